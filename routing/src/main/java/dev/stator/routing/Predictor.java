package dev.stator.routing;

import dev.stator.routing.index.Tier;
import dev.stator.routing.queue.Estimate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Predicts what plans for one request cost, in milliseconds. Workers are named by their position in
 * the {@link Fleet}.
 */
final class Predictor {
    /*
     * Time to the first token:
     *
     *   aggregated   queue + fetch + prefill                            all at one worker
     *   split        queue + fetch + prefill  at the prefill worker,
     *                then what the decode worker has still to onboard, and a step of its own
     *
     * Each part is what the speeds of the worker's kind say, times the worker's pace (how its steps
     * compare with its kind's), times a correction per worker and stage learned from first tokens.
     *
     * Harm:
     *
     *   - Prompt tokens computed beside running answers make each of their steps longer.
     *   - The answer itself gets its tokens in steps that are longer the more answers run beside it,
     *     and makes theirs longer: expected tokens x change of the step.
     *   - Prompts that come later to the same worker wait behind this one. In a steady state as many
     *     come while this one's work is ahead of them as wait now, so its work counts once for each
     *     prompt that waits at an average worker. With nobody waiting only this request's own time
     *     counts; under load, work that a cached prefix saves counts many times.
     *
     * The first two count with RouterOptions.harmWeight, the third is waiting for a first token and
     * counts like it.
     */
    private static final double ANSWER_WEIGHT = 0.01;

    private final Fleet fleet;
    private final Holdings holdings;
    private final RouterOptions options;
    private final Optional<SharedCores> shared;
    private final boolean reachesHosts;
    private final boolean reachesDevices;
    private final boolean crossesNodes;
    private RouteRequest request = RouteRequest.NONE;
    private long now;
    private double waitingBehind;
    private double loneStepMillis;
    private double answerTokens = 100;
    private PromptSide[] prompts = {};

    /** In which look each of {@link #prompts} was filled in. */
    private long[] promptLooks = {};

    private long look;

    Predictor(Fleet fleet, Holdings holdings, RouterOptions options) {
        this.fleet = fleet;
        this.holdings = holdings;
        this.options = options;
        this.shared =
                options.slack() > 0
                        ? Optional.of(new SharedCores(options.slack(), fleet))
                        : Optional.empty();
        this.reachesHosts = options.peerTiers().contains(Tier.HOST);
        this.reachesDevices = options.peerTiers().contains(Tier.DEVICE);
        this.crossesNodes = reachesHosts || reachesDevices;
    }

    /**
     * What follows is about this request. {@link #roomMillis} may be asked at once, the rest when
     * its {@link Holdings} have been read and after {@link #look}.
     */
    void begin(RouteRequest asked, long nanos) {
        request = asked;
        now = nanos;
    }

    /** Takes in how the fleet is now. */
    void look() {
        look++;
        if (prompts.length < fleet.size()) {
            int known = prompts.length;
            prompts = Arrays.copyOf(prompts, fleet.size());
            promptLooks = Arrays.copyOf(promptLooks, fleet.size());
            Arrays.setAll(prompts, i -> i < known ? prompts[i] : new PromptSide());
        }
        int computing = 0;
        int waiting = 0;
        for (int i = 0; i < fleet.size(); i++) {
            var worker = fleet.worker(i);
            if (worker.prefills() || worker.waitingTokens() > 0) {
                computing++;
                waiting += worker.waitingPrompts();
            }
        }
        waitingBehind = computing == 0 ? 0 : (double) waiting / computing;
        loneStepMillis = fleet.leastDecodeMillis(1, request.promptTokens());
    }

    void dispatched(RouteRequest request) {
        answerTokens += ANSWER_WEIGHT * (request.outputTokens() - answerTokens);
    }

    /** Until a worker has room for so much KV. */
    double roomMillis(int at, long kvTokens) {
        return fleet.worker(at).roomMillis(kvTokens, answerTokens, now);
    }

    /** Computing the prompt at a worker, worked out once for each {@link #look}. */
    PromptSide prompt(int at) {
        if (promptLooks[at] != look) {
            promptLooks[at] = look;
            fillIn(at, prompts[at]);
        }
        return prompts[at];
    }

    private void fillIn(int at, PromptSide side) {
        var worker = fleet.worker(at);
        long kvTokens =
                worker.spec.role().generates() ? request.answeredTokens() : request.promptTokens();
        side.heldBlocks = holdings.onDevice(at);
        supply(at, worker, side);
        int had = request.reusable(side.suppliedBlocks);
        double tokens = request.promptTokens() - had;
        double before = worker.steps(worker.waitingTokens());
        // A small prompt shares its step with those before it.
        double steps = Math.max(worker.steps(tokens), Math.max(0, 1 - before));
        double prefill = worker.promptMillis(steps, tokens, Step.attended(had, tokens), now);
        double running = worker.running();
        double undisturbed = steps * worker.decodeMillis(running, worker.contextTokens(), now);
        side.queueMillis =
                Math.max(worker.queueMillis(now), roomMillis(at, kvTokens))
                        * worker.factor(Stage.QUEUE, now);
        side.fetchMillis *= worker.factor(Stage.FETCH, now);
        side.prefillMillis = prefill * worker.factor(Stage.PREFILL, now);
        side.harmMillis =
                options.harmWeight() * running * Math.max(0, prefill - undisturbed)
                        + waitingBehind * side.prefillMillis;
        side.newTokens = tokens;
        side.attendedTokens = Step.attended(had, tokens);
    }

    /**
     * How far fetching is better than computing. What a block costs to fetch does not depend on
     * where in the prompt it is, what it costs to compute rises with it, so that within the reach
     * of one link all or nothing is fetched.
     */
    private void supply(int at, WorkerState worker, PromptSide side) {
        int blocks = side.heldBlocks;
        double fetch = 0;
        side.suppliedBlocks = blocks;
        side.fetchMillis = 0;
        double least = computing(worker, blocks);
        for (var link : worker.speeds.cheapestFirst()) {
            int reach = holdings.reachable(link, at);
            if (reach > blocks) {
                fetch += worker.speeds.moveMillis(link, tokens(blocks, reach));
                blocks = reach;
                double cost = fetch + computing(worker, blocks);
                if (cost < least) {
                    least = cost;
                    side.suppliedBlocks = blocks;
                    side.fetchMillis = fetch;
                }
            }
        }
    }

    /** What computing all but so many leading blocks costs this request and those behind it. */
    private double computing(WorkerState worker, int blocks) {
        int had = request.reusable(blocks);
        double tokens = request.promptTokens() - had;
        return (1 + waitingBehind)
                * worker.promptMillis(
                        worker.steps(tokens), tokens, Step.attended(had, tokens), now);
    }

    private int tokens(int fromBlock, int toBlock) {
        return request.reusable(toBlock) - request.reusable(fromBlock);
    }

    /** Generating the answer at a worker that gets the prompt's KV from others. */
    void answer(int at, AnswerSide side) {
        var worker = fleet.worker(at);
        side.heldBlocks = holdings.onDevice(at);
        int blocks = side.heldBlocks;
        side.fetchMillis = 0;
        for (var link : worker.speeds.cheapestFirst()) {
            int reach = holdings.reachable(link, at);
            if (reach > blocks) {
                side.fetchMillis += worker.speeds.moveMillis(link, tokens(blocks, reach));
                blocks = reach;
            }
        }
        side.suppliedBlocks = blocks;
        double running = worker.running();
        double context = worker.contextTokens();
        side.joinMillis =
                worker.decodeMillis(running, context, now) / 2
                        + worker.decodeMillis(running + 1, context + request.promptTokens(), now);
        side.harmMillis = crowdingMillis(at);
    }

    /** What the answer loses by those that run beside it, and they by it. */
    double crowdingMillis(int at) {
        var worker = fleet.worker(at);
        double tokens = request.outputTokens();
        double own = request.promptTokens() + tokens / 2;
        double beside = worker.requests();
        double context = worker.contextTokens() + worker.comingTokens();
        double without = worker.decodeMillis(beside, context, now);
        double with = worker.decodeMillis(beside + 1, context + own, now);
        double others = beside == 0 ? 0 : beside * (with - without);
        return options.harmWeight() * tokens * (Math.max(0, with - loneStepMillis) + others);
    }

    /** What {@link Router#estimate} answers. */
    Estimate estimate() {
        double firstToken = Double.POSITIVE_INFINITY;
        double prefill = 0;
        double token = Double.POSITIVE_INFINITY;
        for (int i = 0; i < fleet.size(); i++) {
            var side = prompt(i);
            if (side.fetchMillis + side.prefillMillis < firstToken) {
                firstToken = side.fetchMillis + side.prefillMillis;
                prefill = side.prefillMillis;
            }
            if (fleet.worker(i).spec.role().generates()) {
                token = Math.min(token, tokenMillis(i));
            }
        }
        return token == Double.POSITIVE_INFINITY
                ? new Estimate(request.answeredTokens(), 0)
                : new Estimate(prefill + request.outputTokens() * token, firstToken);
    }

    /** A token's share of a step at a worker that runs as many such requests as it can. */
    private double tokenMillis(int at) {
        var worker = fleet.worker(at);
        long fit = worker.spec.kvTokens() / request.answeredTokens();
        long beside = Math.clamp(fit, 1, worker.spec.maxRunning());
        return worker.decodeMillis(beside, (double) beside * request.promptTokens(), now) / beside;
    }

    /** Whether blocks that one worker computes can reach another. */
    boolean canHandOver(int from, int to) {
        return fleet.node(from) == fleet.node(to) || handsOverAcrossNodes();
    }

    boolean handsOverAcrossNodes() {
        return crossesNodes;
    }

    private boolean hands(Link link, int from, int to) {
        boolean sameNode = fleet.node(from) == fleet.node(to);
        return switch (link) {
            case HOST -> sameNode;
            case PEER_HOST -> !sameNode && reachesHosts;
            case PEER_DEVICE -> reachesDevices;
            case DISK, PEER_DISK, REMOTE -> false;
        };
    }

    /**
     * What is left to do after the prompt is computed elsewhere: onboarding, which goes on
     * meanwhile, and joining. The last step's blocks can only be onboarded after it.
     */
    double handoffMillis(int from, PromptSide prompt, int to, AnswerSide answer) {
        var worker = fleet.worker(to);
        int rest = request.promptTokens() - request.reusable(answer.suppliedBlocks);
        double onboard = 0;
        double last = 0;
        for (var link : worker.speeds.cheapestFirst()) {
            if (hands(link, from, to)) {
                int chunk = Math.min(rest, fleet.worker(from).spec.stepTokens());
                onboard = answer.fetchMillis + worker.speeds.moveMillis(link, rest);
                last = worker.speeds.moveMillis(link, chunk);
                break;
            }
        }
        double ready = Math.max(onboard, roomMillis(to, request.answeredTokens()));
        double left = Math.max(last, ready - prompt.doneMillis());
        return (left + answer.joinMillis) * worker.factor(Stage.HANDOFF, now);
    }

    /**
     * What a split costs those who wait for room: until the prompt is computed elsewhere, its room
     * at the answering worker is taken and of no use.
     */
    double idleRoomMillis(PromptSide prompt, int to) {
        double part = (double) request.promptTokens() / fleet.worker(to).spec.kvTokens();
        return waitingBehind * part * prompt.doneMillis();
    }

    /** What the prompt takes where others have the same cores. */
    private Progress contended(int at, PromptSide prompt) {
        return shared.map(
                        cores ->
                                contended(cores, at, prompt)
                                        .times(fleet.worker(at).contention(now)))
                .orElse(prompt.progress());
    }

    private Progress contended(SharedCores cores, int at, PromptSide prompt) {
        var worker = fleet.worker(at);
        if (worker.spec.role().generates()) {
            return atLeast(
                    roomMillis(at, request.answeredTokens()),
                    cores.mixed(at, prompt.newTokens, prompt.attendedTokens, now));
        }
        double output = request.outputTokens();
        return atLeast(
                roomMillis(at, request.promptTokens()),
                cores.prefill(at, prompt.newTokens, prompt.attendedTokens, output, now));
    }

    private static Progress atLeast(double queueMillis, Progress played) {
        return new Progress(Math.max(queueMillis, played.queueMillis()), played.prefillMillis());
    }

    Plan.Aggregated aggregated(int at, PromptSide prompt) {
        var contended = contended(at, prompt);
        return new Plan.Aggregated(
                fleet.worker(at).spec.id(),
                new Prediction(
                        contended.queueMillis(),
                        prompt.fetchMillis,
                        contended.prefillMillis(),
                        0,
                        prompt.harmMillis + crowdingMillis(at),
                        prompt.progress()),
                new Supply(
                        prompt.heldBlocks, sources(at, prompt.heldBlocks, prompt.suppliedBlocks)));
    }

    Plan.Split split(int from, PromptSide prompt, int to, AnswerSide answer) {
        var contended = contended(from, prompt);
        return new Plan.Split(
                fleet.worker(from).spec.id(),
                fleet.worker(to).spec.id(),
                new Prediction(
                        contended.queueMillis(),
                        prompt.fetchMillis,
                        contended.prefillMillis(),
                        handoffMillis(from, prompt, to, answer),
                        prompt.harmMillis + answer.harmMillis + idleRoomMillis(prompt, to),
                        prompt.progress()),
                new Supply(
                        prompt.heldBlocks, sources(from, prompt.heldBlocks, prompt.suppliedBlocks)),
                new Supply(
                        answer.heldBlocks, sources(to, answer.heldBlocks, answer.suppliedBlocks)));
    }

    private List<Source> sources(int at, int heldBlocks, int suppliedBlocks) {
        var sources = new ArrayList<Source>(2);
        int blocks = heldBlocks;
        for (var link : fleet.worker(at).speeds.cheapestFirst()) {
            int reach = holdings.reachable(link, at);
            if (blocks < suppliedBlocks && reach > blocks) {
                sources.add(new Source(blocks, reach, holdings.place(link, at)));
                blocks = reach;
            }
        }
        return sources;
    }
}
