/**
 * llama.cpp in processes of their own, one for each context: a crash takes one of them and nothing
 * else. The node's side is {@link dev.stator.engine.process.ProcessEngine}, the other {@link
 * dev.stator.engine.process.WorkerProcess}.
 */
@NullMarked
package dev.stator.engine.process;

import org.jspecify.annotations.NullMarked;
