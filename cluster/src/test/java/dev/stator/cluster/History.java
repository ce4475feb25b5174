package dev.stator.cluster;

import dev.stator.engine.SamplingOptions;
import dev.stator.routing.Policy;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.Matches;
import dev.stator.serving.Admission;
import dev.stator.serving.ClusterStatus;
import dev.stator.serving.GenerationRequest;
import dev.stator.serving.ServiceClass;
import dev.stator.serving.Standing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * One life of a cluster, drawn from a seed: clients ask, things break, all heals, and then
 * everything must be as if nothing had happened. What must hold at any time is checked throughout.
 */
final class History implements Question.Judge {
    /** Clients ask and things begin to break for so long. */
    private static final Duration TROUBLE = Duration.ofSeconds(4);

    /** What was broken is mostly mended after so long. */
    private static final Duration MENDED = Duration.ofSeconds(8);

    /** Without trouble all members know and serve each other after so long. */
    private static final Duration SETTLED = Duration.ofSeconds(9);

    /** Answers to a few questions take no longer when there is no trouble. */
    private static final Duration ANSWERED = Duration.ofSeconds(4);

    /** Blocks that were expected and did not come are not counted on after so long. */
    private static final Duration UNEXPECTED = Duration.ofSeconds(8);

    private static final Duration LOOK = Duration.ofMillis(200);

    /** Beyond the time that a node may be silent: a tick, threads that come late, slow ways. */
    private static final Duration LATE = Duration.ofMillis(600);

    private static final Duration ASK_AGAIN = Duration.ofMillis(300);
    private static final int FAMILIES = 3;

    private final Random random;
    private final VirtualTime time = new VirtualTime();
    private final VirtualCluster.Log log;
    private final Setting setting;
    private final VirtualCluster cluster;
    private final GreedyModel model = new GreedyModel();
    private final List<String> wrong = new ArrayList<>();

    /** Since when requests have waited at a frontend that has no node. */
    private final Map<VirtualCluster.Frontend, Long> lonelySince = new HashMap<>();

    private boolean settled;
    private int asked;

    private History(long seed, VirtualCluster.Log log) {
        this.random = new Random(seed * 0x9E3779B97F4A7C15L);
        this.log =
                (what, of) ->
                        log.say(
                                "%10.3f ms  " + what,
                                Stream.concat(Stream.of(time.now() / 1e6), Stream.of(of))
                                        .toArray());
        this.setting = Setting.draw(random);
        this.cluster = new VirtualCluster(setting, time, random, this.log, this::wrong);
    }

    /**
     * @param wrong what must not be, in order
     * @param digest the same only for the same history
     */
    record Outcome(List<String> wrong, long digest) {}

    /**
     * @param log hears what happens
     */
    static Outcome of(long seed, VirtualCluster.Log log) {
        var history = new History(seed, log);
        history.run();
        return new Outcome(List.copyOf(history.wrong), history.time.digest());
    }

    private void run() {
        log.say("%s", setting);
        for (int i = 0; i < setting.questions(); i++) {
            time.after(anyNanos(TROUBLE), this::ask);
        }
        var faults = new Faults(cluster, random);
        for (int i = 0; i < setting.faults(); i++) {
            faults.draw(TROUBLE);
        }
        time.after(LOOK.toNanos(), this::look);
        pass(MENDED);
        mend();
        pass(SETTLED);
        settled = true;
        checkAgreement();
        checkRest();
        probe();
        pass(UNEXPECTED);
        cluster.frontends().forEach(this::checkIndex);
        checkRest();
        cluster.frontends().forEach(each -> each.fabric().close());
        pass(LOOK);
    }

    private long anyNanos(Duration within) {
        return Duration.ofMillis(random.nextInt((int) within.toMillis())).toNanos();
    }

    private void pass(Duration duration) {
        time.runUntil(time.now() + duration.toNanos());
    }

    private void wrong(String what) {
        wrong.add("%.3f ms: %s".formatted(time.now() / 1e6, what));
        log.say("WRONG: %s", what);
    }

    // Questions.

    private void ask() {
        var host = random.nextInt(setting.frontends());
        var frontend = cluster.frontendOf(host);
        int[] prompt = prompt();
        switch (random.nextInt(24)) {
            case 0, 1 -> prompt[0] = VirtualNode.DEADLY;
            case 2 -> prompt[0] = VirtualNode.DEADLY_LATER;
            case 3 -> prompt[0] = VirtualNode.FAILING;
            default -> {}
        }
        boolean hurried = random.nextInt(10) == 0;
        long patience = Duration.ofMillis(50 + random.nextInt(2000)).toNanos();
        long leaving = random.nextInt(8) == 0 ? anyNanos(Duration.ofMillis(1500)) : Long.MAX_VALUE;
        int most = 1 + random.nextInt(40);
        frontend.process()
                .execute(
                        () ->
                                submit(
                                        frontend,
                                        prompt,
                                        most,
                                        hurried
                                                ? frontend.process().nanos() + patience
                                                : Long.MAX_VALUE,
                                        leaving,
                                        false));
    }

    /** Prompts of a family begin alike. */
    private int[] prompt() {
        var family = new Random(random.nextInt(FAMILIES));
        int shared = random.nextInt(6 * Setting.BLOCK_TOKENS);
        int own = 1 + random.nextInt(2 * Setting.BLOCK_TOKENS);
        int[] prompt = new int[shared + own];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = 32 + (i < shared ? family : random).nextInt(400);
        }
        return prompt;
    }

    private Question submit(
            VirtualCluster.Frontend frontend,
            int[] prompt,
            int most,
            long deadline,
            long leavingNanos,
            boolean blamed) {
        var request =
                new GenerationRequest(
                        "q" + ++asked,
                        prompt,
                        most,
                        SamplingOptions.GREEDY,
                        List.of(),
                        Set.of(),
                        false,
                        "",
                        new Standing(ServiceClass.DEFAULT, "", deadline));
        var question = new Question(request, model, frontend, blamed, this);
        log.say("%s is asked, of %d tokens for %d", question, prompt.length, most);
        cluster.add(question);
        switch (frontend.fabric().submit(request, question)) {
            case Admission.Shed shed -> question.onShed(shed);
            case Admission.Admitted admitted -> {
                if (leavingNanos != Long.MAX_VALUE) {
                    frontend.process()
                            .after(
                                    Duration.ofNanos(leavingNanos),
                                    () -> {
                                        question.cancelled = true;
                                        admitted.cancel();
                                    });
                }
            }
        }
        return question;
    }

    @Override
    public void wrong(Question question, String what) {
        wrong("%s %s".formatted(question, what));
    }

    @Override
    public void ended(Question question, Question.End end) {
        log.say("%s has ended: %s", question, end);
        switch (end) {
            case Question.End.Answered _ -> {
                if (question.blamed) {
                    wrong(question, "is answered though nodes died of it");
                }
            }
            case Question.End.Shed(var why) -> shed(question, why);
            case Question.End.Failed(var message) -> failed(question, message);
        }
    }

    private void shed(Question question, Admission.Shed why) {
        boolean right =
                switch (why.cause()) {
                    case QUEUE_FULL -> setting.isCramped();
                    case DEADLINE -> question.request.standing().deadlineNanos() != Long.MAX_VALUE;
                    case DRAINING -> isAlone(question.frontend);
                };
        if (!right) {
            wrong(question, "is shed: " + why);
        }
    }

    private void failed(Question question, String message) {
        boolean right;
        if (message.contains("not tried again")) {
            right = question.blamed;
        } else if (message.equals(VirtualNode.FAILURE)) {
            right = question.request.prompt()[0] == VirtualNode.FAILING;
        } else if (message.contains("died one after the other")) {
            right = question.barrenDeaths() >= 2 && !question.blamed;
            askAgain(question);
        } else if (message.contains("was lost")) {
            right = question.losses.size() > setting.retries();
        } else if (message.contains("no node of the cluster serves")) {
            right = isAlone(question.frontend);
        } else {
            right = message.equals("the server stops");
        }
        if (!right) {
            wrong(question, "fails: %s after %s".formatted(message, question.losses));
        }
    }

    private void askAgain(Question question) {
        var frontend = question.frontend;
        frontend.process()
                .after(
                        ASK_AGAIN,
                        () ->
                                submit(
                                        frontend,
                                        question.request.prompt(),
                                        question.request.maxTokens(),
                                        Long.MAX_VALUE,
                                        Long.MAX_VALUE,
                                        true));
    }

    private boolean isAlone(VirtualCluster.Frontend frontend) {
        return !settled && states(frontend).values().stream().noneMatch("serving"::equals);
    }

    private static Map<String, String> states(VirtualCluster.Frontend frontend) {
        var states = new TreeMap<String, String>();
        for (var member : frontend.fabric().cluster().map(ClusterStatus::members).orElseThrow()) {
            if (member.role().equals("node")) {
                states.put(member.name(), member.state());
            }
        }
        return states;
    }

    // What must hold at any time.

    private void look() {
        for (var each : cluster.open().entrySet()) {
            checkNotStuck(each.getKey(), each.getValue());
        }
        cluster.frontends().forEach(this::checkNotForgotten);
        time.after(LOOK.toNanos(), this::look);
    }

    /** Nobody waits longer than the documented time for a node that cannot be heard. */
    private void checkNotStuck(VirtualCall<?, ?> call, long began) {
        var client = call.client();
        long silent =
                call.server().map(server -> cluster.silentSince(server, client)).orElse(began);
        if (client.runs() && silent != Long.MAX_VALUE) {
            long since = Math.max(Math.max(silent, client.thawedAt()), began);
            if (time.now() - since > setting.timeout().plus(LATE).toNanos()) {
                wrong(
                        cluster.question(call),
                        "waits at %s, which has been silent for %d ms"
                                .formatted(call.server(), (time.now() - since) / 1_000_000));
            }
        }
    }

    /**
     * Nobody waits for a node to come for much longer than is documented. A node that served
     * between two looks may have made the wait begin anew.
     */
    private void checkNotForgotten(VirtualCluster.Frontend frontend) {
        var waiting =
                cluster.questions().stream()
                        .filter(each -> each.frontend == frontend)
                        .filter(each -> each.end().isEmpty() && each.calls == 0)
                        .toList();
        boolean lonely =
                !waiting.isEmpty()
                        && frontend.process().runs()
                        && !states(frontend).containsValue("serving");
        if (!lonely) {
            lonelySince.remove(frontend);
            return;
        }
        long since = lonelySince.computeIfAbsent(frontend, _ -> time.now());
        if (time.now() - since > setting.patience().multipliedBy(3).toNanos()) {
            wrong(waiting.getFirst(), "waits though there has been no node for long");
        }
    }

    // What must hold in the end.

    private void mend() {
        cluster.heal();
        int up = 0;
        for (int host = cluster.hosts() - 1; host >= 0; host--) {
            boolean optional = !cluster.isFrontend(host) && up > 0 && random.nextInt(4) == 0;
            if (!cluster.isUp(host) && !optional) {
                cluster.restart(host);
            }
            up += cluster.isUp(host) ? 1 : 0;
        }
        cluster.tellAll();
    }

    private void checkAgreement() {
        var names = new TreeSet<String>();
        var serving = new TreeMap<String, String>();
        cluster.frontends().forEach(each -> names.add("f" + each.host()));
        for (var node : cluster.nodes()) {
            if (!node.process().isDead()) {
                names.add(node.name());
                serving.put(node.name(), "serving");
            }
        }
        for (var frontend : cluster.frontends()) {
            checkMembers("f" + frontend.host(), frontend.group(), names);
            if (!states(frontend).equals(serving)) {
                wrong("%s sees %s".formatted(frontend.name(), states(frontend)));
            }
        }
        for (var node : cluster.nodes()) {
            if (!node.process().isDead()) {
                checkMembers(node.name(), node.group(), names);
            }
        }
    }

    private void checkMembers(String name, Group group, Set<String> names) {
        var seen = group.members().stream().map(each -> each.getName()).sorted().toList();
        var others = names.stream().filter(each -> !each.equals(name)).toList();
        if (!seen.equals(others)) {
            wrong("%s knows %s and not %s".formatted(name, seen, others));
        }
    }

    /** All requests have ended, and nobody remembers them. */
    private void checkRest() {
        for (var question : cluster.questions()) {
            if (!question.frontend.process().isDead()) {
                checkEnded(question);
            }
        }
        for (var frontend : cluster.frontends()) {
            if (!frontend.fabric().isIdle()) {
                wrong("%s remembers requests that are over".formatted(frontend.name()));
            }
        }
        for (var node : cluster.nodes()) {
            boolean idle = node.service().running() == 0 && node.node().isIdle();
            if (!node.process().isDead() && !idle) {
                wrong("%s goes on with requests that are over".formatted(node.name()));
            }
        }
    }

    private void checkEnded(Question question) {
        if (question.end().isEmpty()) {
            wrong(question, "does not end");
        }
        boolean allSeen = question.losses.stream().allMatch(Question.Loss::seen);
        if (question.request.prompt()[0] == VirtualNode.DEADLY && allSeen && question.kills > 2) {
            wrong(question, "has killed %d nodes".formatted(question.kills));
        }
    }

    /** All nodes answer all frontends. */
    private void probe() {
        var probes = new ArrayList<Question>();
        for (var frontend : cluster.frontends()) {
            var before = new TreeMap<String, Integer>();
            cluster.nodes().forEach(each -> before.put(each.name(), each.node().served()));
            for (int i = 0; i < 2 * setting.nodes(); i++) {
                probes.add(submit(frontend, prompt(), 6, Long.MAX_VALUE, Long.MAX_VALUE, false));
            }
            pass(ANSWERED);
            for (var node : cluster.nodes()) {
                if (setting.policy() == Policy.ROUND_ROBIN
                        && !node.process().isDead()
                        && before.getOrDefault(node.name(), 0) == node.node().served()) {
                    wrong("%s gets no requests of %s".formatted(node.name(), frontend.name()));
                }
            }
        }
        for (var each : probes) {
            if (!each.end().filter(Question.End.Answered.class::isInstance).isPresent()) {
                wrong(each, "is not answered though nothing is wrong");
            }
        }
    }

    /** A frontend knows of each node what it holds, and nothing of those that have left. */
    private void checkIndex(VirtualCluster.Frontend frontend) {
        var index = frontend.index();
        index.expire(frontend.process().nanos());
        var matches = new Matches();
        for (long key : cluster.everHeld()) {
            var holders = new TreeSet<String>();
            for (var node : cluster.nodes()) {
                if (!node.process().isDead() && node.node().held().contains(key)) {
                    holders.add(node.name());
                }
            }
            var known = known(index, key, matches);
            if (!known.equals(holders)) {
                wrong(
                        "%s takes %x to be at %s, and it is at %s"
                                .formatted(frontend.name(), key, known, holders));
                return;
            }
        }
    }

    private static Set<String> known(BlockIndex index, long key, Matches matches) {
        index.match(new long[] {key}, 1, matches);
        var known = new TreeSet<String>();
        for (int i = 0; i < matches.places(); i++) {
            known.add(index.place(matches.place(i)).owner());
        }
        return known;
    }
}
