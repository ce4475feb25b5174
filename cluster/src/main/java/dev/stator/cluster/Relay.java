package dev.stator.cluster;

import dev.stator.cluster.wire.AnswerPart;
import dev.stator.cluster.wire.Finished;
import dev.stator.cluster.wire.GenerateCall;
import dev.stator.routing.Actual;
import dev.stator.routing.Decision;
import dev.stator.routing.Explained;
import dev.stator.routing.Plan;
import dev.stator.routing.Prediction;
import dev.stator.routing.RouteRequest;
import dev.stator.serving.Account;
import dev.stator.serving.Admission;
import dev.stator.serving.Continuation;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GenerationListener;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.Quarantine;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One answer at a frontend: from the node that generates it to its listener. When that node is lost
 * it goes on at another from the tokens that the listener has heard.
 *
 * <p>Its monitor guards its state and is held while the listener is told, so that this hears one
 * thing at a time and in order, whichever node it comes from. Nothing is waited for within it.
 */
final class Relay implements Admission.Admitted {
    /** A node without room gives a request back; so often it is tried again before it is shed. */
    private static final int MOST_REFUSALS = 3;

    /** What a relay needs of its frontend. None of these waits. */
    interface Frontend {
        /** By the frontend's clock. */
        long nanos();

        /** Does it on a thread of its own. */
        void execute(Runnable task);

        /** The route of what is left. */
        RouteRequest route(GenerationRequest rest);

        /** Sends it to a node as soon as there is one. */
        void again(Relay relay, boolean atOnce);

        /** It is not to be sent any more, if it has not been yet. */
        void withdraw(Relay relay);

        void firstToken(long request, Actual actual);

        /** A node is done with a request, one way or another. */
        void done(long request);

        Optional<Explained> explained(long request);

        Continuation continuation(GenerationRequest asked, int[] sent);

        void blame(GenerationRequest asked);

        void count(Event event);

        void ended(Relay relay, Optional<Account> account);
    }

    /** What is counted. */
    enum Event {
        TOKEN,
        MOVED,
        FAILED
    }

    private final Frontend frontend;
    private final GenerationRequest asked;
    private final GenerationListener listener;
    private final int retries;
    private final long frontendId;
    private final long submittedNanos;

    // Guarded by this.
    private GenerationRequest rest;
    private RouteRequest route;
    private Optional<Decision> decision = Optional.empty();
    private Optional<ClientCallStreamObserver<GenerateCall>> call = Optional.empty();

    /** At the node that computes the prompt for the one that answers. */
    private Optional<ClientCallStreamObserver<GenerateCall>> prefill = Optional.empty();

    private String node = "";

    /** Number of the present call; what is heard of earlier ones is ignored. */
    private int attempt;

    private long boundNanos;
    private long firstBoundNanos;
    private long firstTokenNanos;
    private int[] sent = new int[64];
    private int sentCount;
    private int losses;
    private int barrenLosses;
    private int sentAtLoss = -1;
    private int refusals;
    private boolean over;

    Relay(
            Frontend frontend,
            GenerationRequest asked,
            GenerationListener listener,
            int retries,
            long frontendId) {
        this.frontend = frontend;
        this.asked = asked;
        this.listener = listener;
        this.retries = retries;
        this.frontendId = frontendId;
        this.submittedNanos = frontend.nanos();
        this.rest = asked;
        this.route = frontend.route(asked);
    }

    GenerationRequest asked() {
        return asked;
    }

    /** Of what is left of it. */
    synchronized RouteRequest route() {
        return route;
    }

    synchronized boolean isOver() {
        return over;
    }

    /** Whether the client has heard something of the answer. */
    synchronized boolean hasBegun() {
        return sentCount > 0;
    }

    /**
     * The decision is carried out: a node is called, and before it the one, if any, that computes
     * the prompt for it.
     */
    void start(Decision made, Nodes.Errand answering, Optional<Nodes.Errand> prefilling) {
        var link = answering.link();
        boolean late;
        synchronized (this) {
            late = over;
            if (!late) {
                decision = Optional.of(made);
                node = link.name();
                attempt++;
                boundNanos = frontend.nanos();
                firstBoundNanos = firstBoundNanos == 0 ? boundNanos : firstBoundNanos;
                // What is spliced has blocks of its own.
                prefilling
                        .filter(_ -> rest.splice().isEmpty())
                        .ifPresent(errand -> startPrefill(made, errand));
                var ear = new Ear(attempt, made.request().id(), link);
                ear.connection =
                        link.generate(message(made, rest, answering).build(), ear, this::hear);
            }
        }
        if (late) {
            frontend.done(made.request().id());
        }
    }

    /**
     * What a node says is heard on the thread that reads the connection, as nothing here waits; but
     * never within {@link #start}, whose state is not yet whole.
     */
    private void hear(Runnable said) {
        if (Thread.holdsLock(this)) {
            frontend.execute(said);
        } else {
            said.run();
        }
    }

    private GenerateCall.Builder message(
            Decision made, GenerationRequest request, Nodes.Errand errand) {
        return GenerateCall.newBuilder()
                .setFrontend(frontendId)
                .setDecision(made.number())
                .setRequest(Requests.message(request, boundNanos))
                .addAllSources(errand.sources());
    }

    /** Under the monitor. */
    private void startPrefill(Decision made, Nodes.Errand errand) {
        var ear = new PrefillEar(attempt, errand.link());
        ear.connection =
                errand.link()
                        .generate(
                                message(made, Requests.promptOf(rest), errand)
                                        .setPrefillOnly(true)
                                        .build(),
                                ear,
                                frontend::execute);
    }

    /** Nobody takes its blocks any more. Not under the monitor: the call may end at once. */
    private void dropPrefill() {
        Optional<ClientCallStreamObserver<GenerateCall>> its;
        synchronized (this) {
            its = prefill;
            prefill = Optional.empty();
        }
        its.ifPresent(call -> call.cancel("its blocks are not wanted any more", null));
    }

    @Override
    public void cancel() {
        frontend.withdraw(this);
        Optional<ClientCallStreamObserver<GenerateCall>> running;
        synchronized (this) {
            if (over) {
                return;
            }
            running = call;
            end(FinishReason.CANCELLED, "", Optional.empty());
        }
        dropPrefill();
        // Its end says to the router that the node is done with it.
        running.ifPresent(its -> its.cancel("the client has left", null));
    }

    /** Nobody will answer it. */
    void shed(Admission.Shed shed) {
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            if (sentCount == 0) {
                listener.onShed(shed);
            } else {
                frontend.count(Event.FAILED);
                listener.onFailure(shed.reason());
            }
        }
        dropPrefill();
        frontend.ended(this, Optional.empty());
    }

    /** It cannot be answered. */
    void fail(String message) {
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            frontend.count(Event.FAILED);
            listener.onFailure(message);
        }
        dropPrefill();
        frontend.ended(this, Optional.empty());
    }

    /** Under the monitor. */
    private void end(FinishReason reason, String tail, Optional<Finished> message) {
        over = true;
        call = Optional.empty();
        var account = account(message);
        listener.onFinish(reason, tail, account);
        frontend.ended(this, Optional.of(account));
    }

    private Account account(Optional<Finished> message) {
        long now = frontend.nanos();
        var finished = message.orElse(Finished.getDefaultInstance());
        Map<String, Double> stages = new LinkedHashMap<>(finished.getStageMillisMap());
        stages.merge(
                "queue",
                millis(submittedNanos, firstBoundNanos == 0 ? now : firstBoundNanos),
                Double::sum);
        if (firstTokenNanos != 0) {
            stages.put("first_token", millis(submittedNanos, firstTokenNanos));
            stages.put("decode", millis(firstTokenNanos, now));
        }
        if (losses > 0) {
            stages.put("moves", (double) losses);
        }
        stages.put("total", millis(submittedNanos, now));
        var split =
                decision.map(Decision::plan)
                        .filter(Plan.Split.class::isInstance)
                        .map(Plan::prefillWorker);
        var plan = finished.getPlan().isEmpty() ? "aggregated" : finished.getPlan();
        return new Account(
                split.isPresent() ? "split" : plan,
                split.orElseGet(() -> worker(finished.getPrefillWorker())),
                worker(finished.getDecodeWorker()),
                ofPrompt(finished.getPromptTokensBySourceMap()),
                finished.getSplicedTokens(),
                Arrays.copyOf(sent, sentCount),
                stages,
                decision.flatMap(made -> frontend.explained(made.request().id())),
                finished.hasPinnedTokens()
                        ? OptionalInt.of(finished.getPinnedTokens())
                        : OptionalInt.empty(),
                Answers.guarded(finished),
                finished.hasExactBecause()
                        ? Optional.of(finished.getExactBecause())
                        : Optional.empty(),
                finished.hasStop() ? Optional.of(finished.getStop()) : Optional.empty());
    }

    private String worker(String name) {
        return name.isEmpty() ? node : node + "/" + name;
    }

    /** To a node that goes on with an answer its beginning is prompt too, which it is not here. */
    private Map<String, Integer> ofPrompt(Map<String, Integer> sources) {
        var mine = new LinkedHashMap<>(sources);
        int beginning = rest.answered() - asked.answered();
        for (var source : new String[] {"computed", "host", "device", "peer", "disk", "remote"}) {
            int has = mine.getOrDefault(source, 0);
            int less = Math.min(has, beginning);
            if (less > 0) {
                mine.put(source, has - less);
                beginning -= less;
            }
        }
        return mine;
    }

    private static double millis(long from, long to) {
        return (to - from) / 1e6;
    }

    /** Hears one call. */
    private final class Ear implements ClientResponseObserver<GenerateCall, AnswerPart> {
        private final int mine;
        private final long request;
        private final NodeLink link;
        private boolean ended;

        /** Whether the node has said that it has the request. */
        private boolean accepted;

        /** Over which it is heard. Guarded by the relay's monitor. */
        private int connection;

        Ear(int mine, long request, NodeLink link) {
            this.mine = mine;
            this.request = request;
            this.link = link;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<GenerateCall> its) {
            // All is taken as it comes: it is one answer at most, and asking for each part anew
            // would wake the connection's thread each time.
            its.disableAutoRequestWithInitial(Integer.MAX_VALUE);
            // Within start(), under the relay's monitor.
            call = Optional.of(its);
        }

        @Override
        public void onNext(AnswerPart part) {
            accepted = true;
            synchronized (Relay.this) {
                if (over || mine != attempt) {
                    return;
                }
                part.getTokensList().forEach(this::token);
                switch (part.getEndCase()) {
                    case FINISHED -> {
                        ended = true;
                        end(
                                Answers.reason(part.getFinished()),
                                part.getFinished().getTail(),
                                Optional.of(part.getFinished()));
                    }
                    case SHED, FAILED, END_NOT_SET -> {}
                }
            }
            switch (part.getEndCase()) {
                case FINISHED -> {
                    dropPrefill();
                    frontend.done(request);
                }
                case SHED -> {
                    ended = true;
                    frontend.done(request);
                    var shed = Answers.shed(part.getShed());
                    frontend.execute(() -> refused(mine, shed));
                }
                case FAILED -> {
                    ended = true;
                    frontend.done(request);
                    fail(part.getFailed());
                }
                case END_NOT_SET -> {}
            }
        }

        private void token(dev.stator.cluster.wire.Token message) {
            if (sentCount == sent.length) {
                sent = Arrays.copyOf(sent, 2 * sentCount);
            }
            sent[sentCount++] = message.getToken();
            frontend.count(Event.TOKEN);
            long now = frontend.nanos();
            if (firstTokenNanos == 0) {
                firstTokenNanos = now;
            }
            if (sentCount == 1 + rest.answered() - asked.answered()) {
                decision.ifPresent(
                        made ->
                                frontend.firstToken(
                                        request,
                                        apportioned(
                                                made.plan().prediction(),
                                                millis(boundNanos, now))));
            }
            listener.onToken(Answers.token(message));
        }

        // A loss is looked into elsewhere: it takes links' monitors, under which a connection may
        // be closed by the very thread that reads it.

        @Override
        public void onError(Throwable failure) {
            if (!ended) {
                frontend.execute(() -> lost(this, failure));
            }
        }

        @Override
        public void onCompleted() {
            if (!ended) {
                frontend.execute(
                        () ->
                                lost(
                                        this,
                                        Status.INTERNAL
                                                .withDescription(
                                                        "the node ended the answer without an end")
                                                .asRuntimeException()));
            }
        }
    }

    /** Hears of a prompt that is computed for the node that answers, which needs no words. */
    private final class PrefillEar implements ClientResponseObserver<GenerateCall, AnswerPart> {
        private final int mine;
        private final NodeLink link;
        private boolean accepted;

        /** Over which it is heard. Guarded by the relay's monitor. */
        private int connection;

        PrefillEar(int mine, NodeLink link) {
            this.mine = mine;
            this.link = link;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<GenerateCall> its) {
            // Within start(), under the relay's monitor.
            prefill = Optional.of(its);
        }

        @Override
        public void onNext(AnswerPart part) {
            accepted = true;
        }

        /** The node that answers computes what it does not get. */
        @Override
        public void onError(Throwable failure) {
            var status = Status.fromThrowable(failure);
            int which;
            synchronized (Relay.this) {
                which = connection;
            }
            boolean leaving = Calls.isLeaving(failure);
            if (!leaving && status.getCode() == Status.Code.UNAVAILABLE) {
                link.broken(which, NodeLink.words(status));
            }
            if (!leaving && accepted && link.brokeSuddenly(which) && isToBlame(mine)) {
                frontend.blame(asked);
                giveUp(
                        "%d nodes died one after the other while they computed this request, and it is not tried on another: the last was %s (%s)"
                                .formatted(
                                        Quarantine.BLAMED_AFTER,
                                        link.name(),
                                        NodeLink.words(status)));
            }
        }

        @Override
        public void onCompleted() {}
    }

    /** A node has died, likely of the prompt that it computed for another. */
    private synchronized boolean isToBlame(int which) {
        if (over || which != attempt) {
            return false;
        }
        crashed();
        return barrenLosses >= Quarantine.BLAMED_AFTER;
    }

    /** Under the monitor. */
    private void crashed() {
        barrenLosses = sentAtLoss == sentCount ? barrenLosses + 1 : 1;
        sentAtLoss = sentCount;
    }

    /** Fails while a node may still be at it. */
    private void giveUp(String message) {
        Optional<ClientCallStreamObserver<GenerateCall>> running;
        synchronized (this) {
            running = call;
        }
        fail(message);
        running.ifPresent(its -> its.cancel("it is to blame", null));
    }

    /**
     * What a first token took, in parts that cannot be told apart from here: in proportion to what
     * was predicted of them.
     */
    private static Actual apportioned(Prediction predicted, double millis) {
        double whole = predicted.firstTokenMillis();
        if (!(whole > 0)) {
            return new Actual(0, 0, millis, 0);
        }
        double scale = millis / whole;
        return new Actual(
                predicted.queueMillis() * scale,
                predicted.fetchMillis() * scale,
                predicted.prefillMillis() * scale,
                predicted.handoffMillis() * scale);
    }

    /** The node has no room after all. */
    private void refused(int which, Admission.Shed shed) {
        boolean again;
        synchronized (this) {
            if (over || which != attempt) {
                return;
            }
            attempt++;
            call = Optional.empty();
            refusals++;
            again = sentCount > 0 || refusals <= MOST_REFUSALS;
            route = frontend.route(rest);
        }
        dropPrefill();
        if (again) {
            frontend.again(this, false);
        } else {
            shed(shed);
        }
    }

    private void lost(Ear call, Throwable failure) {
        var status = Status.fromThrowable(failure);
        boolean leaving = Calls.isLeaving(failure);
        int connection;
        boolean current;
        synchronized (this) {
            connection = call.connection;
            current = call.mine == attempt;
        }
        if (!leaving && status.getCode() == Status.Code.UNAVAILABLE) {
            // Before another node is looked for, so that it is not this one.
            call.link.broken(connection, NodeLink.words(status));
        }
        if (current) {
            dropPrefill();
        }
        frontend.done(call.request);
        // A node that was dead when the request was sent has not died of it.
        boolean crashed = !leaving && call.accepted && call.link.brokeSuddenly(connection);
        switch (verdict(call.mine, leaving, crashed, status)) {
            case Verdict.Nothing _ -> {}
            case Verdict.Fail(var message) -> fail(message);
            case Verdict.Blame(var message) -> {
                frontend.blame(asked);
                fail(message);
            }
            case Verdict.Again _ -> frontend.again(this, true);
        }
    }

    private sealed interface Verdict {
        record Nothing() implements Verdict {}

        record Again() implements Verdict {}

        record Fail(String message) implements Verdict {}

        record Blame(String message) implements Verdict {}
    }

    /**
     * @param leaving whether the node gave it back without having failed at it
     * @param crashed whether the node is likely to have died, as it went from one moment to the
     *     next
     */
    private synchronized Verdict verdict(
            int which, boolean leaving, boolean crashed, Status status) {
        if (over || which != attempt) {
            return new Verdict.Nothing();
        }
        attempt++;
        call = Optional.empty();
        switch (status.getCode()) {
            case INVALID_ARGUMENT, UNAUTHENTICATED, UNIMPLEMENTED -> {
                return new Verdict.Fail(
                        "the node %s refuses the request: %s"
                                .formatted(node, NodeLink.words(status)));
            }
            default -> {}
        }
        if (!leaving) {
            losses++;
            if (crashed) {
                crashed();
            }
            if (barrenLosses >= Quarantine.BLAMED_AFTER) {
                return new Verdict.Blame(
                        "%d nodes died one after the other while they computed this request, and it is not tried on another: the last was %s (%s)"
                                .formatted(barrenLosses, node, NodeLink.words(status)));
            }
            if (losses > retries) {
                return new Verdict.Fail(
                        "the answer was lost %d times with the node that generated it, the last time with %s (%s)"
                                .formatted(losses, node, NodeLink.words(status)));
            }
        }
        switch (frontend.continuation(asked, Arrays.copyOf(sent, sentCount))) {
            case Continuation.Over(var reason, var tail) -> {
                end(reason, tail, Optional.empty());
                return new Verdict.Nothing();
            }
            case Continuation.Rest(var left) -> rest = left;
        }
        route = frontend.route(rest);
        if (sentCount > 0) {
            frontend.count(Event.MOVED);
        }
        return new Verdict.Again();
    }
}
