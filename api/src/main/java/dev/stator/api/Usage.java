package dev.stator.api;

import tools.jackson.databind.node.ObjectNode;

/**
 * What a request is billed for.
 *
 * @param cachedTokens prompt tokens that were not computed
 * @param keptTokens prompt tokens that are kept because the request asked for it
 */
record Usage(int promptTokens, int cachedTokens, int keptTokens, int completionTokens) {
    ObjectNode json() {
        var json =
                Json.object()
                        .put("prompt_tokens", promptTokens)
                        .put("completion_tokens", completionTokens)
                        .put("total_tokens", promptTokens + completionTokens);
        json.putObject("prompt_tokens_details").put("cached_tokens", cachedTokens);
        return json;
    }
}
