package dev.stator.cluster;

import dev.stator.cluster.wire.Finished;
import dev.stator.cluster.wire.Shed;
import dev.stator.cluster.wire.Token;
import dev.stator.engine.Certainty;
import dev.stator.engine.Sampled;
import dev.stator.routing.queue.Admission.Cause;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import java.util.Optional;

/** Tokens and ends of answers as messages and back. */
final class Answers {
    private Answers() {}

    static Token message(GeneratedToken token) {
        var sampled = token.sampled();
        var message = Token.newBuilder().setToken(sampled.token()).setText(token.text());
        if (!Float.isNaN(sampled.logprob())) {
            message.setLogprob(sampled.logprob());
        }
        for (var candidate : sampled.top()) {
            message.addTopBuilder().setToken(candidate.token()).setLogprob(candidate.logprob());
        }
        return message.build();
    }

    static GeneratedToken token(Token message) {
        return new GeneratedToken(
                new Sampled(
                        message.getToken(),
                        message.hasLogprob() ? message.getLogprob() : Float.NaN,
                        message.getTopList().stream()
                                .map(its -> new Sampled.Candidate(its.getToken(), its.getLogprob()))
                                .toList()),
                message.getText());
    }

    static Finished message(FinishReason reason, String tail, Account account) {
        var message =
                Finished.newBuilder()
                        .setReason(
                                switch (reason) {
                                    case STOP -> Finished.Reason.REASON_STOP;
                                    case LENGTH -> Finished.Reason.REASON_LENGTH;
                                    case CANCELLED -> Finished.Reason.REASON_CANCELLED;
                                })
                        .setTail(tail)
                        .setPlan(account.plan())
                        .setPrefillWorker(account.prefillWorker())
                        .setDecodeWorker(account.decodeWorker())
                        .putAllPromptTokensBySource(account.promptTokensBySource())
                        .setSplicedTokens(account.splicedTokens())
                        .putAllStageMillis(account.stageMillis());
        account.pinnedTokens().ifPresent(message::setPinnedTokens);
        account.guarded().ifPresent(guarded -> message.setGuarded(guarded(guarded)));
        account.exactBecause().ifPresent(message::setExactBecause);
        account.stop().ifPresent(message::setStop);
        return message.build();
    }

    private static Finished.Guarded guarded(Account.Guarded guarded) {
        return Finished.Guarded.newBuilder()
                .setPassed(guarded.passed())
                .setMargin(guarded.certainty().margin())
                .setEntropy(guarded.certainty().entropy())
                .build();
    }

    static Optional<Account.Guarded> guarded(Finished message) {
        var its = message.getGuarded();
        return message.hasGuarded()
                ? Optional.of(
                        new Account.Guarded(
                                its.getPassed(), new Certainty(its.getMargin(), its.getEntropy())))
                : Optional.empty();
    }

    /** A reason that only a later version knows is the usual one. */
    static FinishReason reason(Finished message) {
        return switch (message.getReason()) {
            case REASON_LENGTH -> FinishReason.LENGTH;
            case REASON_CANCELLED -> FinishReason.CANCELLED;
            case REASON_STOP, REASON_UNKNOWN, UNRECOGNIZED -> FinishReason.STOP;
        };
    }

    static Shed message(Admission.Shed shed) {
        return Shed.newBuilder()
                .setCause(
                        switch (shed.cause()) {
                            case QUEUE_FULL -> Shed.Cause.CAUSE_QUEUE_FULL;
                            case DEADLINE -> Shed.Cause.CAUSE_DEADLINE;
                            case DRAINING -> Shed.Cause.CAUSE_DRAINING;
                        })
                .setRetryAfterSeconds(shed.retryAfterSeconds())
                .setReason(shed.reason())
                .build();
    }

    static Admission.Shed shed(Shed message) {
        var cause =
                switch (message.getCause()) {
                    case CAUSE_DEADLINE -> Cause.DEADLINE;
                    case CAUSE_DRAINING -> Cause.DRAINING;
                    case CAUSE_QUEUE_FULL, CAUSE_UNKNOWN, UNRECOGNIZED -> Cause.QUEUE_FULL;
                };
        return new Admission.Shed(
                cause, Math.max(1, message.getRetryAfterSeconds()), message.getReason());
    }
}
