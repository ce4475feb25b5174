/**
 * Conversations to prompts and answers back to structure: the model's chat template, the
 * incremental prompt encoder, tool calls in the model's own syntax, and JSON Schema as a grammar.
 *
 * <p>{@link dev.stator.api.chat.ChatModel} is the way in. Everything a client can get wrong arrives
 * as a {@link dev.stator.api.chat.ChatException}, whose message is fit to be shown to that client.
 */
@NullMarked
package dev.stator.api.chat;

import org.jspecify.annotations.NullMarked;
