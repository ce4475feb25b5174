package dev.stator.routing;

import java.util.Arrays;
import java.util.Comparator;

/** How long workers of one kind take, learned from what they measure. */
final class Speeds {
    private static final int CONSTANT = 0;

    // Features of a step with prompt tokens.
    private static final int NEW = 1;
    private static final int ATTENDED = 2;
    private static final int RUNNING = 3;
    private static final int CONTEXT = 4;

    // Features of a step without.
    private static final int DECODE_RUNNING = 1;
    private static final int DECODE_CONTEXT = 2;

    // Guesses that hold until a worker of the kind has measured something: a model of some billion
    // parameters on a data-centre GPU.
    private final LinearModel prompt =
            new LinearModel(
                    new double[] {10, 0.05, 2e-6, 0.05, 2e-5},
                    new double[] {1, 1e3, 1e6, 1e1, 1e5});
    private final LinearModel decode =
            new LinearModel(new double[] {10, 0.05, 2e-5}, new double[] {1, 1e1, 1e5});
    private final LinearModel[] moves = new LinearModel[Link.values().length];

    /**
     * Of the disk alone: where no plan counts on it, somebody measures it all the same. Of any
     * other link one bad measurement could be the last.
     */
    private final Drift disk = new Drift();

    private final double[] promptFeatures = new double[5];
    private final double[] decodeFeatures = new double[3];
    private final double[] moveFeatures = new double[2];
    private final Link[] cheapestFirst = Link.values();

    Speeds() {
        for (var link : Link.values()) {
            moves[link.ordinal()] =
                    new LinearModel(
                            new double[] {link.guessedSetupMillis, link.guessedMillisPerToken},
                            new double[] {1, 1e3});
        }
        sortLinks();
    }

    void stepped(Step step, double millis) {
        if (step.newTokens() == 0) {
            decodeFeatures[CONSTANT] = 1;
            decodeFeatures[DECODE_RUNNING] = step.running();
            decodeFeatures[DECODE_CONTEXT] = step.contextTokens();
            decode.observe(decodeFeatures, millis);
            return;
        }
        promptFeatures[CONSTANT] = 1;
        promptFeatures[NEW] = step.newTokens();
        promptFeatures[ATTENDED] = step.attendedTokens();
        promptFeatures[RUNNING] = step.running();
        promptFeatures[CONTEXT] = step.contextTokens();
        prompt.observe(promptFeatures, millis);
    }

    void moved(Link link, long tokens, double millis) {
        moveFeatures[0] = 1;
        moveFeatures[1] = tokens;
        var model = moves[link.ordinal()];
        // A guess is nothing to drift from.
        if (link == Link.DISK && model.measurements() > 0) {
            disk.observe(millis, modelled(link, tokens));
        }
        model.observe(moveFeatures, millis);
        sortLinks();
    }

    double stepMillis(Step step) {
        double decoded = decodeMillis(step.running(), step.contextTokens());
        return step.newTokens() == 0
                ? decoded
                : Math.max(
                        decoded,
                        promptMillis(
                                1,
                                step.newTokens(),
                                step.attendedTokens(),
                                step.running(),
                                step.contextTokens()));
    }

    /**
     * Steps that compute prompt tokens beside running answers.
     *
     * @param steps how many, not necessarily whole
     * @param tokens prompt tokens of all steps together
     * @param attended what these attend to, all together
     * @param running answers that get a token in each step
     * @param context KV tokens that these attend to in each step
     */
    double promptMillis(
            double steps, double tokens, double attended, double running, double context) {
        return steps
                        * (prompt.coefficient(CONSTANT)
                                + running * prompt.coefficient(RUNNING)
                                + context * prompt.coefficient(CONTEXT))
                + tokens * prompt.coefficient(NEW)
                + attended * prompt.coefficient(ATTENDED);
    }

    /** A step that only generates; 0 if there is nothing to generate. */
    double decodeMillis(double running, double context) {
        return running == 0
                ? 0
                : decode.coefficient(CONSTANT)
                        + running * decode.coefficient(DECODE_RUNNING)
                        + context * decode.coefficient(DECODE_CONTEXT);
    }

    double moveMillis(Link link, double tokens) {
        return tokens <= 0 ? 0 : modelled(link, tokens) * drift(link);
    }

    private double modelled(Link link, double tokens) {
        var model = moves[link.ordinal()];
        return model.coefficient(0) + tokens * model.coefficient(1);
    }

    private double drift(Link link) {
        return link == Link.DISK ? disk.factor() : 1;
    }

    /** All links, the one with the fewest milliseconds per token first. */
    Link[] cheapestFirst() {
        return cheapestFirst;
    }

    private void sortLinks() {
        Arrays.sort(
                cheapestFirst,
                Comparator.comparingDouble(
                        link -> moves[link.ordinal()].coefficient(1) * drift(link)));
    }
}
