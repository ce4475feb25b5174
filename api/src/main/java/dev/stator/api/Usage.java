package dev.stator.api;

import tools.jackson.databind.node.ObjectNode;

/**
 * What a request is billed for.
 *
 * @param cachedTokens prompt tokens that were not computed
 */
record Usage(int promptTokens, int cachedTokens, int completionTokens) {
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
