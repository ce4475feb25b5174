package dev.stator.routing;

import dev.stator.routing.index.Tier;
import java.util.EnumSet;
import java.util.Set;

/**
 * How a router decides.
 *
 * @param mode which plans it may choose
 * @param routers how many routers, this one included, send requests to the same workers
 * @param harmWeight what a millisecond that running answers are delayed by counts, where a
 *     millisecond of waiting for a first token counts 1
 * @param peerTiers tiers from which a worker can fetch what another worker or node holds; a node's
 *     own host and disk tiers and remote stores are always within reach
 * @param bindMillis a worker that has no room is taken for able to start a request if it is
 *     predicted to have some within so long; 0 binds requests only to workers that have room,
 *     {@link Double#POSITIVE_INFINITY} binds each at once
 * @param keptDecisions how many decisions can be explained afterwards
 * @param expectIn the tier in which others find the blocks of a dispatched request: DEVICE where a
 *     worker keeps what it computed, HOST where it offloads that at once and keeps nothing for
 *     others
 * @param expectMillis how long the blocks of a dispatched request are taken to be on their way if
 *     no event confirms them, beyond the predicted time to the first token
 * @param slack where workers of a node share its cores, by which part prompts may slow running
 *     answers down; 0 where each has hardware of its own
 * @param splitsByRole whether {@link Mode#AUTO} only splits where some worker does nothing but
 *     prefill
 */
public record RouterOptions(
        Policy policy,
        Mode mode,
        int routers,
        double harmWeight,
        Set<Tier> peerTiers,
        double bindMillis,
        int keptDecisions,
        Tier expectIn,
        double expectMillis,
        double slack,
        boolean splitsByRole) {
    private static final double HARM_WEIGHT = 0.01;
    private static final double BIND_MILLIS = 1000;
    private static final int KEPT_DECISIONS = 1000;
    private static final double EXPECT_MILLIS = 5000;

    public RouterOptions {
        require(routers >= 1, "routers must be at least 1, is " + routers);
        require(harmWeight >= 0, "harmWeight must not be negative, is " + harmWeight);
        require(bindMillis >= 0, "bindMillis must not be negative, is " + bindMillis);
        require(keptDecisions >= 1, "keptDecisions must be at least 1, is " + keptDecisions);
        require(expectMillis > 0, "expectMillis must be positive, is " + expectMillis);
        require(slack >= 0, "slack must not be negative, is " + slack);
        require(
                !peerTiers.contains(Tier.REMOTE),
                "peerTiers must not name REMOTE: every worker reaches remote stores");
        require(
                expectIn == Tier.DEVICE || expectIn == Tier.HOST,
                "expectIn must be DEVICE or HOST, is " + expectIn);
        peerTiers = Set.copyOf(peerTiers);
    }

    /** One router; workers reach nobody's tiers but their node's. */
    public static RouterOptions of(Policy policy, Mode mode) {
        return new RouterOptions(
                policy,
                mode,
                1,
                HARM_WEIGHT,
                EnumSet.noneOf(Tier.class),
                BIND_MILLIS,
                KEPT_DECISIONS,
                Tier.DEVICE,
                EXPECT_MILLIS,
                0,
                false);
    }

    public RouterOptions withPolicy(Policy other) {
        return new RouterOptions(
                other,
                mode,
                routers,
                harmWeight,
                peerTiers,
                bindMillis,
                keptDecisions,
                expectIn,
                expectMillis,
                slack,
                splitsByRole);
    }

    public RouterOptions withRouters(int count) {
        return new RouterOptions(
                policy,
                mode,
                count,
                harmWeight,
                peerTiers,
                bindMillis,
                keptDecisions,
                expectIn,
                expectMillis,
                slack,
                splitsByRole);
    }

    public RouterOptions withHarmWeight(double weight) {
        return new RouterOptions(
                policy,
                mode,
                routers,
                weight,
                peerTiers,
                bindMillis,
                keptDecisions,
                expectIn,
                expectMillis,
                slack,
                splitsByRole);
    }

    public RouterOptions withPeerTiers(Set<Tier> tiers) {
        return new RouterOptions(
                policy,
                mode,
                routers,
                harmWeight,
                tiers,
                bindMillis,
                keptDecisions,
                expectIn,
                expectMillis,
                slack,
                splitsByRole);
    }

    public RouterOptions withBindMillis(double millis) {
        return new RouterOptions(
                policy,
                mode,
                routers,
                harmWeight,
                peerTiers,
                millis,
                keptDecisions,
                expectIn,
                expectMillis,
                slack,
                splitsByRole);
    }

    public RouterOptions withExpectIn(Tier tier) {
        return new RouterOptions(
                policy,
                mode,
                routers,
                harmWeight,
                peerTiers,
                bindMillis,
                keptDecisions,
                tier,
                expectMillis,
                slack,
                splitsByRole);
    }

    public RouterOptions withSlack(double part) {
        return new RouterOptions(
                policy,
                mode,
                routers,
                harmWeight,
                peerTiers,
                bindMillis,
                keptDecisions,
                expectIn,
                expectMillis,
                part,
                splitsByRole);
    }

    public RouterOptions withSplitsByRole() {
        return new RouterOptions(
                policy,
                mode,
                routers,
                harmWeight,
                peerTiers,
                bindMillis,
                keptDecisions,
                expectIn,
                expectMillis,
                slack,
                true);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
