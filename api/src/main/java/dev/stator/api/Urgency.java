package dev.stator.api;

import dev.stator.serving.ServiceClass;
import dev.stator.serving.Standing;
import java.util.List;
import java.util.Optional;

/**
 * How a request waits beside others, from its body and its headers.
 *
 * @param serviceTier what the answer says of {@code service_tier}: present if the request did
 */
record Urgency(Standing standing, Optional<String> serviceTier) {
    static final String DEADLINE_HEADER = "x-stator-ttft-deadline-ms";

    private static final String TIER = "service_tier";
    private static final long MOST_MILLIS = 86_400_000;

    /**
     * @throws ApiException naming what is wrong
     */
    static Urgency of(Exchange exchange, Fields fields, WaitingOptions options) {
        var asked =
                fields.choice(
                        TIER, List.of("auto", "default", "priority", "flex"), Urgency::classOf);
        var its = asked.orElse(ServiceClass.DEFAULT);
        var user =
                switch (options.tenantBy()) {
                    case API_KEY -> Optional.<String>empty();
                    case USER -> fields.string("user");
                    case SAFETY_IDENTIFIER -> fields.string("safety_identifier");
                };
        return new Urgency(standing(exchange, its, user, options), asked.map(ServiceClass::label));
    }

    /**
     * Of a request of Anthropic's API, which knows no classes but its own.
     *
     * @throws ApiException naming what is wrong
     */
    static Urgency ofAnthropic(Exchange exchange, Fields fields, WaitingOptions options) {
        fields.choice(TIER, List.of("auto", "standard_only"), name -> name);
        var user = fields.object("metadata").flatMap(metadata -> metadata.string("user_id"));
        var its =
                options.tenantBy() == WaitingOptions.TenantBy.API_KEY
                        ? Optional.<String>empty()
                        : user;
        return new Urgency(
                standing(exchange, ServiceClass.DEFAULT, its, options), Optional.empty());
    }

    private static Standing standing(
            Exchange exchange, ServiceClass its, Optional<String> user, WaitingOptions options) {
        var tenant =
                user.map(name -> exchange.tenant() + "/" + Auth.fingerprint(name))
                        .orElseGet(exchange::tenant);
        return new Standing(
                its,
                tenant,
                options.cachePercent().of(exchange.tenant()),
                due(exchange, its, options));
    }

    private static ServiceClass classOf(String tier) {
        return switch (tier) {
            case "priority" -> ServiceClass.PRIORITY;
            case "flex" -> ServiceClass.FLEX;
            default -> ServiceClass.DEFAULT;
        };
    }

    private static long due(Exchange exchange, ServiceClass its, WaitingOptions options) {
        long usual = its == ServiceClass.FLEX ? 0 : options.firstTokenWithin().toMillis();
        long millis = exchange.deadlineHeader().map(Urgency::millis).orElse(usual);
        return millis == 0 ? Long.MAX_VALUE : exchange.arrivedNanos() + millis * 1_000_000;
    }

    private static long millis(String header) {
        var text = header.strip();
        if (text.matches("[0-9]{1,9}") && Long.parseLong(text) <= MOST_MILLIS) {
            return Long.parseLong(text);
        }
        throw new ApiException(
                ApiError.invalid(
                        DEADLINE_HEADER,
                        "The header `%s` must be a whole number of milliseconds from 1 to %d, or 0 for no deadline, not \"%s\"."
                                .formatted(
                                        DEADLINE_HEADER,
                                        MOST_MILLIS,
                                        text.length() > 60 ? "…" : text)));
    }
}
