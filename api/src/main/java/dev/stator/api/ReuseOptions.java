package dev.stator.api;

import dev.stator.api.documents.ReuseMode;
import java.util.Map;

/**
 * What reuse the operator wants and allows.
 *
 * @param usual the mode of requests that do not say one
 * @param ceiling the most that a request may ask for
 * @param passageBytes memory for passages that prompts have in common, and for the prompts in which
 *     they are looked for
 */
public record ReuseOptions(ReuseMode usual, ByKey<ReuseMode> ceiling, long passageBytes) {
    /** Exact unless a request asks for something else, which it may. */
    public static final ReuseOptions USUAL =
            new ReuseOptions(ReuseMode.EXACT, ByKey.of(ReuseMode.SPLICED, Map.of()), 64L << 20);

    /** The least memory that is any good: a prompt of some thousand tokens. */
    public static final long LEAST_BYTES = 1L << 20;

    public ReuseOptions {
        if (usual.compareTo(ceiling.usual()) > 0) {
            throw new IllegalArgumentException(
                    "requests that do not say how they may be reused would be %s, but no more than %s is allowed"
                            .formatted(usual.label(), ceiling.usual().label()));
        }
        if (passageBytes < LEAST_BYTES) {
            throw new IllegalArgumentException("passages need at least 1 MiB of memory");
        }
    }

    /** The mode of a tenant's requests that do not say one. */
    ReuseMode usual(String tenant) {
        var most = ceiling.of(tenant);
        return usual.compareTo(most) > 0 ? most : usual;
    }

    /**
     * @throws ApiException if it is more than the tenant may ask for
     */
    void check(ReuseMode asked, String tenant) {
        var most = ceiling.of(tenant);
        if (asked.compareTo(most) > 0) {
            throw new ApiException(
                    ApiError.invalid(
                            "reuse",
                            "`reuse` may be at most `%s` here, not `%s`."
                                    .formatted(most.label(), asked.label())));
        }
    }
}
