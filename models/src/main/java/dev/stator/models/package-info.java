/** Model files: read, inspect, synthesise and pull GGUF. */
@NullMarked
package dev.stator.models;

import org.jspecify.annotations.NullMarked;
