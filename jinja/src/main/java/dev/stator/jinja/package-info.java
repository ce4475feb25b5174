/** The part of Jinja that chat templates are written in. */
@NullMarked
package dev.stator.jinja;

import org.jspecify.annotations.NullMarked;
