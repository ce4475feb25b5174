package dev.stator.api;

import tools.jackson.databind.node.ObjectNode;

/** Whose API a request speaks, and in whose shape it hears of errors. */
enum Dialect {
    OPENAI,
    ANTHROPIC;

    /** Anthropic's status for what we call overloaded. */
    private static final int OVERLOADED = 529;

    private static final String ANTHROPIC_PATH = "/v1/messages";

    static Dialect of(String path) {
        return path.equals(ANTHROPIC_PATH) || path.startsWith(ANTHROPIC_PATH + "/")
                ? ANTHROPIC
                : OPENAI;
    }

    int status(ApiError error) {
        boolean busy = error instanceof ApiError.Overloaded || error instanceof ApiError.Draining;
        return this == ANTHROPIC && busy ? OVERLOADED : error.status();
    }

    ObjectNode body(ApiError error, String requestId) {
        return switch (this) {
            case OPENAI -> openAi(error);
            case ANTHROPIC -> anthropic(error, requestId);
        };
    }

    /** {@code {"error": {"message", "type", "param", "code"}}}. */
    private static ObjectNode openAi(ApiError error) {
        var body = Json.object();
        body.putObject("error")
                .put("message", error.message())
                .put("type", error.type())
                .put("param", error.parameter().orElse(null))
                .put("code", error.errorCode().orElse(null));
        return body;
    }

    /** {@code {"type": "error", "error": {"type", "message"}, "request_id"}}. */
    private static ObjectNode anthropic(ApiError error, String requestId) {
        var body = Json.object().put("type", "error");
        body.putObject("error")
                .put("type", anthropicType(error))
                // It has no field of its own for what is wrong.
                .put(
                        "message",
                        error.parameter()
                                .map(field -> field + ": " + error.message())
                                .orElseGet(error::message));
        return body.put("request_id", requestId);
    }

    private static String anthropicType(ApiError error) {
        return switch (error) {
            case ApiError.Invalid _,
                    ApiError.WrongMethod _,
                    ApiError.WrongMediaType _,
                    ApiError.Conflict _ ->
                    "invalid_request_error";
            case ApiError.Unauthorized _ -> "authentication_error";
            case ApiError.UnknownPath _, ApiError.UnknownModel _, ApiError.UnknownDocument _ ->
                    "not_found_error";
            case ApiError.TooLarge _, ApiError.QuotaUsedUp _ -> "request_too_large";
            case ApiError.Slow _ -> "timeout_error";
            case ApiError.Overloaded _, ApiError.Draining _ -> "overloaded_error";
            case ApiError.Failed _ -> "api_error";
        };
    }
}
