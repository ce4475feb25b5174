/** The stator command, its configuration, and the distribution. */
@NullMarked
package dev.stator.cli;

import org.jspecify.annotations.NullMarked;
