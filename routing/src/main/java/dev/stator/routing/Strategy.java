package dev.stator.routing;

import java.util.Optional;
import java.util.random.RandomGenerator;

/** A {@link Policy} at work. Confined to its router's lock. */
interface Strategy {
    /** Empty if no worker can start the request now. */
    Optional<Choice> choose(Situation situation);

    /** Whether later choices depend on requests, too, that no worker had room for. */
    default boolean learnsFromRefusals() {
        return false;
    }

    default void dispatched(Decision decision) {}

    default void firstToken(long request) {}

    default void finished(long request) {}

    static Strategy of(RouterOptions options, RandomGenerator random) {
        return switch (options.policy()) {
            case PREDICTED -> new Predicted(options.routers(), random);
            case ROUND_ROBIN -> new Picking(new RoundRobin());
            case RANDOM -> new Picking(new RandomPick(random));
            case LEAST_LOADED -> new Picking(new LeastLoaded(random));
            case POWER_OF_TWO -> new Picking(new PowerOfTwo(random));
            case PREFIX_HASH -> new Picking(new PrefixHash());
            case DYNAMO -> new Picking(new Dynamo(random));
        };
    }
}
