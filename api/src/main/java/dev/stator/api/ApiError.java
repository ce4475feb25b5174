package dev.stator.api;

import java.util.List;
import java.util.Optional;

/** What a request can be refused for; {@link Dialect} says it in an API's shape. */
sealed interface ApiError {
    /**
     * The request is wrong.
     *
     * @param param the field, e.g. {@code messages[0].content}; empty if it is no single field
     * @param code OpenAI's code where it has one
     */
    record Invalid(String message, Optional<String> param, Optional<String> code)
            implements ApiError {}

    /** No or a wrong API key. */
    record Unauthorized(String message) implements ApiError {}

    record UnknownPath(String message) implements ApiError {}

    /** The model is not served here. */
    record UnknownModel(String asked, List<String> served) implements ApiError {
        @Override
        public String message() {
            return "The model `%s` is not served here; served: %s."
                    .formatted(asked, String.join(", ", served));
        }
    }

    /**
     * No document of this name is stored for who asks.
     *
     * @param param where the request names it; empty if its path does
     */
    record UnknownDocument(String id, Optional<String> param) implements ApiError {
        @Override
        public String message() {
            return "No document \"%s\" is stored here; POST /v1/documents stores one."
                    .formatted(id);
        }
    }

    /**
     * @param allowed the methods that the path knows, as in the Allow header
     */
    record WrongMethod(String method, String path, String allowed) implements ApiError {
        @Override
        public String message() {
            return "%s is not possible on %s; use %s.".formatted(method, path, allowed);
        }
    }

    /** What is asked for does not go together with what this server is. */
    record Conflict(String message) implements ApiError {}

    /** The client has stored as much as it may. */
    record QuotaUsedUp(String message) implements ApiError {}

    record TooLarge(long limitBytes) implements ApiError {
        @Override
        public String message() {
            return "The request body is larger than the limit of %d bytes.".formatted(limitBytes);
        }
    }

    record WrongMediaType(String message) implements ApiError {}

    /** The client sent its body too slowly. */
    record Slow(String message) implements ApiError {}

    /** Nothing is wrong with the request: try again later. */
    record Overloaded(String message, int retryAfterSeconds) implements ApiError {}

    record Draining(String message, int retryAfterSeconds) implements ApiError {}

    /** The engine or this server failed. */
    record Failed(String message) implements ApiError {}

    /** A sentence for people. */
    String message();

    static Invalid invalid(String param, String message) {
        return new Invalid(message, Optional.of(param), Optional.empty());
    }

    static Invalid invalid(String message) {
        return new Invalid(message, Optional.empty(), Optional.empty());
    }

    default int status() {
        return switch (this) {
            case Invalid _ -> 400;
            case Unauthorized _ -> 401;
            case UnknownPath _, UnknownModel _, UnknownDocument _ -> 404;
            case WrongMethod _ -> 405;
            case Slow _ -> 408;
            case Conflict _ -> 409;
            case TooLarge _, QuotaUsedUp _ -> 413;
            case WrongMediaType _ -> 415;
            case Overloaded _ -> 429;
            case Failed _ -> 500;
            case Draining _ -> 503;
        };
    }

    default String type() {
        return switch (this) {
            case Overloaded _, Draining _ -> "overloaded";
            case Failed _ -> "server_error";
            case Invalid _,
                    Unauthorized _,
                    UnknownPath _,
                    UnknownModel _,
                    UnknownDocument _,
                    WrongMethod _,
                    Conflict _,
                    QuotaUsedUp _,
                    Slow _,
                    TooLarge _,
                    WrongMediaType _ ->
                    "invalid_request_error";
        };
    }

    default Optional<String> parameter() {
        return switch (this) {
            case Invalid invalid -> invalid.param();
            case UnknownModel _ -> Optional.of("model");
            case UnknownDocument unknown -> unknown.param();
            default -> Optional.empty();
        };
    }

    default Optional<String> errorCode() {
        return switch (this) {
            case Invalid invalid -> invalid.code();
            case UnknownModel _ -> Optional.of("model_not_found");
            case UnknownDocument _ -> Optional.of("document_not_found");
            case Unauthorized _ -> Optional.of("invalid_api_key");
            case TooLarge _ -> Optional.of("body_too_large");
            case QuotaUsedUp _ -> Optional.of("document_quota_exceeded");
            case UnknownPath _ -> Optional.of("unknown_url");
            case Overloaded _, Draining _ -> Optional.of("overloaded");
            default -> Optional.empty();
        };
    }
}
