package dev.stator.cli;

import dev.stator.api.Splicing;
import dev.stator.serving.Guard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What splicing documents does to a model's answers, as {@code stator eval reuse} measured it.
 * Without one there is no splicing.
 *
 * @param fingerprint of the model, its KV type and the engine's version: it holds for no other
 * @param data what was asked
 * @param questions how many
 * @param answerTokens how many tokens of each answer were compared
 * @param exactRight part of the questions that were answered rightly from exact prompts; empty if
 *     the data does not say what is right
 * @param settings what was tried
 * @param chosen the cheapest setting that is good enough; empty: none is
 * @param chosenGuarded the setting that is cheapest with its guard; empty: none is good with one
 * @param verdict a sentence
 */
record ReuseCard(
        int format,
        String model,
        String fingerprint,
        String data,
        int questions,
        int answerTokens,
        Optional<Double> exactRight,
        List<Measured> settings,
        Optional<Measured> chosen,
        Optional<Measured> chosenGuarded,
        String verdict) {
    private static final int FORMAT = 2;

    ReuseCard {
        // A file may leave anything out.
        Objects.requireNonNull(model);
        Objects.requireNonNull(fingerprint);
        Objects.requireNonNull(data);
        Objects.requireNonNull(verdict);
        settings = List.copyOf(settings);
    }

    private static final String ENDING = ".reuse.json";
    private static final JsonMapper JSON = JsonMapper.shared();

    /** The least part of the answers that must be the same, token for token. */
    static final double LEAST_AGREEMENT = 0.97;

    /** The most that may be lost of the right answers. */
    static final double MOST_LOST = 0.01;

    /**
     * @param boundary see {@link Splicing.Way#boundary}
     * @param budget see {@link Splicing.Way#budget}
     * @param recomputed part of the moved passages' tokens that it computes
     * @param agreement part of the answers that equal those from exact prompts
     * @param right part of the questions that were answered rightly
     * @param firstTokenKl mean divergence of the first token's distribution from the exact one's,
     *     over the exact one's likeliest tokens, in nats
     * @param guarded the same with the guard that was found for it; empty if none makes it good
     */
    record Measured(
            int boundary,
            double budget,
            double recomputed,
            double agreement,
            Optional<Double> right,
            double firstTokenKl,
            Optional<Guarded> guarded) {
        /** Part of the moved passages' tokens that is computed with the guard, all in all. */
        double guardedCost() {
            return guarded.map(its -> its.doubted + (1 - its.doubted) * recomputed).orElse(1.0);
        }

        Splicing.Way way() {
            return new Splicing.Way(boundary, budget);
        }

        boolean isGoodEnough(Optional<Double> exactRight) {
            double lost = exactRight.orElse(0.0) - right.orElse(0.0);
            return agreement >= LEAST_AGREEMENT && lost <= MOST_LOST;
        }
    }

    /**
     * @param leastMargin see {@link Guard#leastMargin}
     * @param mostEntropy see {@link Guard#mostEntropy}
     * @param doubted part of the questions that were answered exactly after all
     * @param agreement part of the answers that then equal those from exact prompts
     * @param right part of the questions that were then answered rightly
     */
    record Guarded(
            double leastMargin,
            double mostEntropy,
            double doubted,
            double agreement,
            Optional<Double> right) {
        Guard guard() {
            return new Guard(leastMargin, mostEntropy);
        }
    }

    static ReuseCard of(
            String model,
            String fingerprint,
            String data,
            int questions,
            int answerTokens,
            Optional<Double> exactRight,
            List<Measured> settings) {
        var chosen =
                settings.stream()
                        .filter(each -> each.isGoodEnough(exactRight))
                        .min(Comparator.comparingDouble(Measured::recomputed));
        var guarded =
                settings.stream()
                        .filter(each -> each.guarded.isPresent())
                        .min(Comparator.comparingDouble(Measured::guardedCost));
        return new ReuseCard(
                FORMAT,
                model,
                fingerprint,
                data,
                questions,
                answerTokens,
                exactRight,
                settings,
                chosen,
                guarded,
                chosen.isPresent()
                        ? "documents may be spliced"
                        : guarded.isPresent()
                                ? "documents may be spliced with the guard only"
                                : "splicing changes this model's answers too much");
    }

    /** The card that lies beside a model's file, whether it is there or not. */
    static Path beside(Path model) {
        var name = String.valueOf(model.getFileName());
        var stem = name.endsWith(".gguf") ? name.substring(0, name.length() - 5) : name;
        return model.resolveSibling(stem + ENDING);
    }

    /**
     * @throws Refusal if there is none that can be read
     */
    static ReuseCard read(Path file) {
        try {
            var card = JSON.readValue(Files.readString(file), ReuseCard.class);
            if (card.format != FORMAT) {
                throw Refusal.failed(
                        "%s is a reuse card of format %d; this Stator reads %d: run 'stator eval reuse' again"
                                .formatted(file, card.format, FORMAT));
            }
            return card;
        } catch (IOException e) {
            throw Refusal.failed("cannot read the reuse card %s: %s".formatted(file, Reason.of(e)));
        } catch (JacksonException | NullPointerException _) {
            throw Refusal.failed(
                    "%s is no reuse card: run 'stator eval reuse' again, or remove it"
                            .formatted(file));
        }
    }

    /**
     * @throws Refusal if it cannot be written
     */
    void write(Path file) {
        try {
            Files.writeString(
                    file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n");
        } catch (IOException e) {
            throw Refusal.failed("cannot write %s: %s".formatted(file, Reason.of(e)));
        }
    }

    /** What it allows a server of a model. */
    Splicing splicing(String fingerprintOfModel) {
        if (!fingerprint.equals(fingerprintOfModel)) {
            return new Splicing.Refused(
                    "the reuse card is of another model file, KV type or engine version than what is served; 'stator eval reuse' makes one for it");
        }
        var guard =
                chosenGuarded.flatMap(
                        its ->
                                its.guarded.map(
                                        guarded ->
                                                new Splicing.Allowed.Guarded(
                                                        its.way(), guarded.guard())));
        return chosen.isEmpty() && guard.isEmpty()
                ? new Splicing.Refused("by the reuse card " + verdict)
                : new Splicing.Allowed(chosen.map(Measured::way), guard);
    }
}
