package dev.stator.api;

import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.Fabric;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The answers to one exchange: submitted together, cancelled together. Belongs to the event loop
 * but for {@link #start}.
 */
final class Generation {
    private static final Logger LOG = LoggerFactory.getLogger(Generation.class);

    private enum State {
        /** Not all answers are admitted yet; what is heard waits. */
        STARTING,
        RUNNING,
        OVER
    }

    private final Exchange exchange;
    private final Output output;
    private final Metrics metrics;
    private final Order order;
    private final Account[] accounts;
    private final long[] tokenAt;
    private final Queue<Runnable> early = new ArrayDeque<>();
    private List<Admission.Admitted> admitted = List.of();
    private State state = State.STARTING;
    private int unfinished;

    /**
     * What is to be generated.
     *
     * @param requests the answers, {@code choices} for each prompt
     * @param onAnswer hears the account of each complete answer; must not block
     */
    record Order(
            List<GenerationRequest> requests,
            int choices,
            Preparing preparing,
            Consumer<Account> onAnswer) {}

    /**
     * What it took to make tokens of the request.
     *
     * @param reusedTokens prompt tokens known from an earlier turn
     * @param computedTokens prompt tokens that were tokenised
     * @param documents names of the request's documents as the model reads them
     * @param exactBecause why they are not spliced although that was asked for
     */
    record Preparing(
            int reusedTokens,
            int computedTokens,
            double millis,
            List<String> documents,
            Optional<String> exactBecause) {}

    private Generation(Exchange exchange, Order order, Output output, Metrics metrics) {
        this.exchange = exchange;
        this.order = order;
        this.output = output;
        this.metrics = metrics;
        this.unfinished = order.requests().size();
        this.accounts = new Account[unfinished];
        this.tokenAt = new long[unfinished];
    }

    /**
     * Submits all answers. Called on a preparing thread.
     *
     * @throws ApiException if one was shed; those before it are cancelled then
     */
    static void start(
            Exchange exchange, Fabric fabric, Order order, Output output, Metrics metrics) {
        var generation = new Generation(exchange, order, output, metrics);
        var admitted = new ArrayList<Admission.Admitted>();
        try {
            for (int i = 0; i < order.requests().size() && !exchange.gone(); i++) {
                admitted.add(generation.submit(fabric, i));
            }
        } catch (RuntimeException e) {
            admitted.forEach(Admission.Admitted::cancel);
            throw e;
        }
        exchange.loop().post(() -> generation.begin(admitted));
    }

    private Admission.Admitted submit(Fabric fabric, int index) {
        try {
            return switch (fabric.submit(order.requests().get(index), new Listener(index))) {
                case Admission.Admitted admitted -> admitted;
                case Admission.Shed shed -> throw new ApiException(error(shed));
            };
        } catch (IllegalArgumentException e) {
            throw new ApiException(ApiError.invalid(sentence(String.valueOf(e.getMessage()))));
        }
    }

    private static ApiError error(Admission.Shed shed) {
        var message = sentence(shed.reason());
        return switch (shed.cause()) {
            case DRAINING -> new ApiError.Draining(message, shed.retryAfterSeconds());
            case QUEUE_FULL, DEADLINE -> new ApiError.Overloaded(message, shed.retryAfterSeconds());
        };
    }

    private static String sentence(String message) {
        return message.isEmpty()
                ? message
                : Character.toUpperCase(message.charAt(0)) + message.substring(1) + ".";
    }

    /** Engine threads to event loop; a token costs no object of its own on the way. */
    private final class Listener implements GenerationListener {
        private final int index;
        private final Mailbox.Recipient<GeneratedToken> tokens = this::heard;

        Listener(int index) {
            this.index = index;
        }

        @Override
        public void onToken(GeneratedToken token) {
            exchange.loop().send(tokens, token);
        }

        @Override
        public void onFinish(FinishReason reason, String tail, Account account) {
            exchange.loop().post(() -> happens(() -> finish(index, reason, tail, account)));
        }

        @Override
        public void onShed(Admission.Shed shed) {
            exchange.loop().post(() -> happens(() -> fail(error(shed))));
        }

        @Override
        public void onFailure(String message) {
            exchange.loop().post(() -> happens(() -> failed(message)));
        }

        private void heard(GeneratedToken token) {
            if (state == State.RUNNING) {
                try {
                    token(index, token);
                } catch (RuntimeException e) {
                    failed(e);
                }
            } else {
                happens(() -> token(index, token));
            }
        }
    }

    /** What an answer's listener heard happens when all answers are admitted. */
    private void happens(Runnable event) {
        switch (state) {
            case STARTING -> early.add(event);
            case RUNNING -> {
                try {
                    event.run();
                } catch (RuntimeException e) {
                    failed(e);
                }
            }
            case OVER -> {}
        }
    }

    private void begin(List<Admission.Admitted> all) {
        admitted = all;
        state = State.RUNNING;
        exchange.onGone(this::cancel);
        if (state == State.RUNNING) {
            output.open();
        }
        for (var event = early.poll(); event != null; event = early.poll()) {
            happens(event);
        }
    }

    private void cancel() {
        if (state != State.OVER) {
            state = State.OVER;
            admitted.forEach(Admission.Admitted::cancel);
            metrics.cancelled();
        }
    }

    private void token(int index, GeneratedToken token) {
        long now = exchange.loop().now();
        if (tokenAt[index] != 0) {
            metrics.betweenTokens(now - tokenAt[index]);
        }
        tokenAt[index] = now;
        output.token(index, token);
    }

    private void finish(int index, FinishReason reason, String tail, Account account) {
        if (reason == FinishReason.CANCELLED) {
            failed("the answer was cancelled by the server");
            return;
        }
        accounts[index] = account;
        unfinished--;
        metrics.finished(reason, account);
        order.onAnswer().accept(account);
        account.stop().ifPresent(stop -> output.stopped(index, stop));
        output.finish(index, reason, tail);
        if (unfinished == 0) {
            state = State.OVER;
            output.complete(usage(), exchange.traced() ? Optional.of(trace()) : Optional.empty());
        }
    }

    private void failed(RuntimeException e) {
        LOG.error("Request {} failed", exchange.requestId(), e);
        failed("the server could not write the answer");
    }

    private void failed(String message) {
        metrics.failed();
        fail(new ApiError.Failed(sentence(message)));
    }

    private void fail(ApiError error) {
        state = State.OVER;
        admitted.forEach(Admission.Admitted::cancel);
        output.fail(error);
    }

    private Usage usage() {
        int prompt = 0;
        int cached = 0;
        int kept = 0;
        int completion = 0;
        for (int i = 0; i < accounts.length; i++) {
            completion += accounts[i].generated().length;
            // Several answers share one prompt, whose first reading is what was paid for it.
            if (i % order.choices() == 0) {
                prompt += order.requests().get(i).prompt().length;
                cached += accounts[i].cachedTokens();
                kept += accounts[i].pinnedTokens().orElse(0);
            }
        }
        return new Usage(prompt, cached, kept, completion);
    }

    /** One answer's account, with {@code answers} for all of them if there are several. */
    private ObjectNode trace() {
        var trace = accountJson(accounts[0]);
        accounts[0].routed().ifPresent(routed -> trace.set("route", RouteView.of(routed)));
        trace.putObject("tokenised")
                .put("reused", order.preparing().reusedTokens())
                .put("computed", order.preparing().computedTokens());
        accounts[0]
                .pinnedTokens()
                .ifPresent(tokens -> trace.putObject("cache_control").put("pinned_tokens", tokens));
        if (!order.preparing().documents().isEmpty()) {
            var names = trace.putArray("documents");
            order.preparing().documents().forEach(names::add);
        }
        order.preparing()
                .exactBecause()
                .or(accounts[0]::exactBecause)
                .ifPresent(why -> trace.put("exact_because", why));
        if (trace.get("stages_ms") instanceof ObjectNode stages) {
            stages.put("prepare", rounded(order.preparing().millis()));
        }
        if (accounts.length > 1) {
            var answers = trace.putArray("answers");
            Arrays.stream(accounts).map(Generation::accountJson).forEach(answers::add);
        }
        return trace;
    }

    private static ObjectNode accountJson(Account account) {
        var json =
                Json.object()
                        .put("plan", account.plan())
                        .put("prefill_worker", account.prefillWorker())
                        .put("decode_worker", account.decodeWorker());
        var tokens = json.putObject("prompt_tokens");
        account.promptTokensBySource().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(entry -> tokens.put(entry.getKey(), entry.getValue()));
        if (account.splicedTokens() > 0) {
            json.put("spliced_tokens", account.splicedTokens());
        }
        account.guarded()
                .ifPresent(
                        its ->
                                json.putObject("guard")
                                        .put("passed", its.passed())
                                        .put("margin", rounded(its.certainty().margin()))
                                        .put("entropy", rounded(its.certainty().entropy())));
        var stages = json.putObject("stages_ms");
        account.stageMillis().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(entry -> stages.put(entry.getKey(), rounded(entry.getValue())));
        return json;
    }

    private static double rounded(double millis) {
        return Math.round(millis * 1000) / 1000.0;
    }
}
