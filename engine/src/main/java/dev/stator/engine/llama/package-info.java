/**
 * llama.cpp v0.5.0 behind {@link dev.stator.engine.Engine}, called through the Foreign Function and
 * Memory API.
 *
 * <p>{@link Llama} holds the downcalls, {@link Layouts} the structs (verified at start), {@link
 * StateBlob} the format in which the library hands KV out and takes it in. Nothing that comes from
 * outside the process reaches native code unchecked.
 */
@NullMarked
package dev.stator.engine.llama;

import org.jspecify.annotations.NullMarked;
