/** The Engine interface and llama.cpp behind it through the Foreign Function and Memory API. */
@NullMarked
package dev.stator.engine;

import org.jspecify.annotations.NullMarked;
