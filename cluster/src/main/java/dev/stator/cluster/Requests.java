package dev.stator.cluster;

import dev.stator.cache.Tenant;
import dev.stator.cluster.wire.Generation;
import dev.stator.cluster.wire.Sampling;
import dev.stator.engine.SamplingOptions;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.Guard;
import dev.stator.serving.Retention;
import dev.stator.serving.ServiceClass;
import dev.stator.serving.Splice;
import dev.stator.serving.Standing;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Requests as messages and back. */
final class Requests {
    private Requests() {}

    /**
     * @param nowNanos by the sender's clock; what travels is the time that is left
     */
    static Generation message(GenerationRequest request, long nowNanos) {
        var message =
                Generation.newBuilder()
                        .setId(request.id())
                        .addAllPrompt(Ints.boxed(request.prompt()))
                        .setMaxTokens(request.maxTokens())
                        .setSampling(sampling(request.sampling()))
                        .addAllStops(request.stops())
                        .addAllStopTokens(request.stopTokens())
                        .setIgnoreEnd(request.ignoreEnd())
                        .setSalt(request.salt())
                        .setServiceClass(request.standing().serviceClass().label())
                        .setTenant(request.standing().tenant())
                        .setCachePercent(request.standing().cachePercent())
                        .setAnswered(request.answered());
        long deadline = request.standing().deadlineNanos();
        if (deadline != Long.MAX_VALUE) {
            message.setDeadlineMillis(TimeUnit.NANOSECONDS.toMillis(deadline - nowNanos));
        }
        for (var retention : request.retentions()) {
            message.addRetentionsBuilder()
                    .setTokens(retention.tokens())
                    .setTtlMillis(retention.ttl().toMillis());
        }
        request.splice().ifPresent(splice -> message.setSplice(splice(splice)));
        return message.build();
    }

    /** The same prompt, for a node that only computes it: what it says afterwards is not heard. */
    static GenerationRequest promptOf(GenerationRequest request) {
        return new GenerationRequest(
                request.id() + "/prefill",
                request.prompt(),
                1,
                SamplingOptions.GREEDY,
                List.of(),
                Set.of(),
                true,
                request.salt(),
                request.standing());
    }

    private static Sampling sampling(SamplingOptions options) {
        var message =
                Sampling.newBuilder()
                        .setTemperature(options.temperature())
                        .setTopP(options.topP())
                        .setTopK(options.topK())
                        .setMinP(options.minP())
                        .setFrequencyPenalty(options.frequencyPenalty())
                        .setPresencePenalty(options.presencePenalty())
                        .setRepeatPenalty(options.repeatPenalty())
                        .putAllLogitBias(options.logitBias())
                        .setLogprobs(options.logprobs())
                        .setTopLogprobs(options.topLogprobs());
        options.seed().ifPresent(message::setSeed);
        options.grammar().ifPresent(message::setGrammar);
        return message.build();
    }

    private static dev.stator.cluster.wire.Splice splice(Splice splice) {
        var message =
                dev.stator.cluster.wire.Splice.newBuilder()
                        .setHead(splice.head())
                        .addAllPassages(runs(splice.passages()))
                        .setBoundary(splice.boundary())
                        .addAllFresh(runs(splice.fresh()));
        splice.guard().ifPresent(guard -> message.setGuard(guard(guard)));
        return message.build();
    }

    private static dev.stator.cluster.wire.Splice.Guard guard(Guard guard) {
        return dev.stator.cluster.wire.Splice.Guard.newBuilder()
                .setLeastMargin(guard.leastMargin())
                .setMostEntropy(guard.mostEntropy())
                .build();
    }

    private static List<dev.stator.cluster.wire.Splice.Run> runs(List<Splice.Passage> passages) {
        return passages.stream()
                .map(
                        passage ->
                                dev.stator.cluster.wire.Splice.Run.newBuilder()
                                        .setFrom(passage.from())
                                        .setTo(passage.to())
                                        .addAllBefore(passage.before())
                                        .addAllAfter(passage.after())
                                        .build())
                .toList();
    }

    /**
     * @param nowNanos by the receiver's clock
     * @throws IllegalArgumentException if it is none that this version knows
     */
    static GenerationRequest request(Generation message, long nowNanos) {
        return new GenerationRequest(
                message.getId(),
                Ints.unboxed(message.getPromptList()),
                message.getMaxTokens(),
                sampling(message.getSampling()),
                message.getStopsList(),
                Set.copyOf(message.getStopTokensList()),
                message.getIgnoreEnd(),
                message.getSalt(),
                standing(message, nowNanos),
                message.getRetentionsList().stream()
                        .map(
                                its ->
                                        new Retention(
                                                its.getTokens(),
                                                Duration.ofMillis(its.getTtlMillis())))
                        .toList(),
                message.hasSplice() ? Optional.of(splice(message.getSplice())) : Optional.empty(),
                message.getAnswered());
    }

    private static Standing standing(Generation message, long nowNanos) {
        var serviceClass =
                Arrays.stream(ServiceClass.values())
                        .filter(each -> each.label().equals(message.getServiceClass()))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new IllegalArgumentException(
                                                "there is no class of requests named '%s'"
                                                        .formatted(message.getServiceClass())));
        return new Standing(
                serviceClass,
                message.getTenant(),
                message.hasCachePercent() ? message.getCachePercent() : Tenant.ALL,
                message.hasDeadlineMillis()
                        ? nowNanos + TimeUnit.MILLISECONDS.toNanos(message.getDeadlineMillis())
                        : Long.MAX_VALUE);
    }

    private static SamplingOptions sampling(Sampling message) {
        return new SamplingOptions(
                message.getTemperature(),
                message.getTopP(),
                message.getTopK(),
                message.getMinP(),
                message.getFrequencyPenalty(),
                message.getPresencePenalty(),
                message.getRepeatPenalty(),
                message.getLogitBiasMap(),
                message.hasSeed() ? OptionalLong.of(message.getSeed()) : OptionalLong.empty(),
                message.getLogprobs(),
                message.getTopLogprobs(),
                message.hasGrammar() ? Optional.of(message.getGrammar()) : Optional.empty());
    }

    private static Splice splice(dev.stator.cluster.wire.Splice message) {
        return new Splice(
                message.getHead(),
                passages(message.getPassagesList()),
                message.getBoundary(),
                passages(message.getFreshList()),
                message.hasGuard()
                        ? Optional.of(
                                new Guard(
                                        message.getGuard().getLeastMargin(),
                                        message.getGuard().getMostEntropy()))
                        : Optional.empty());
    }

    private static List<Splice.Passage> passages(List<dev.stator.cluster.wire.Splice.Run> runs) {
        return runs.stream()
                .map(
                        run ->
                                new Splice.Passage(
                                        run.getFrom(),
                                        run.getTo(),
                                        run.getBeforeList(),
                                        run.getAfterList()))
                .toList();
    }
}
