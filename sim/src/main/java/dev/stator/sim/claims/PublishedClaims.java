package dev.stator.sim.claims;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** Published claims, run again in the simulator. The same claim gives the same page. */
public enum PublishedClaims {
    SPLITTING,
    ONE_AND_ONE,
    ROUTING;

    /**
     * A page in Markdown: the claim, what was assumed, and what comes out.
     *
     * @param trace of Mooncake's, for {@link #ROUTING}; synthetic sessions if there is none
     * @param progress hears of what is being computed
     */
    public String report(Optional<Path> trace, Consumer<String> progress) {
        var file = ClaimsFile.read();
        return switch (this) {
            case SPLITTING -> new SplittingClaim(file.splitting(), progress).report();
            case ONE_AND_ONE -> new OneAndOneClaim(file.oneAndOne(), progress).report();
            case ROUTING -> new RoutingClaim(file.routing(), trace, progress).report();
        };
    }
}
