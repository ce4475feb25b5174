/** HTTP, SSE and the OpenAI formats; chat templates, tools, grammars. */
@NullMarked
package dev.stator.api;

import org.jspecify.annotations.NullMarked;
