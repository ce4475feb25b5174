/** The distribution as its users meet it: the real server process and unmodified clients. */
@NullMarked
package dev.stator.acceptance;

import org.jspecify.annotations.NullMarked;
