package dev.stator.routing;

import java.util.Arrays;

/**
 * Predicts how long prompts take on a node whose workers share its cores, by playing through what
 * the node does until a prompt is computed.
 *
 * <p>There running answers go first. While there are any, prefill gets only as much time as may
 * slow them down by a part, the slack; more while more prompts wait than answers run, up to half of
 * all. As soon as none runs prefill has everything. So how long a prompt takes depends on when the
 * answers end that run now, and on which prompts before it become answers meanwhile.
 */
final class SharedCores {
    private static final double DONE = 1e-9;
    private static final double LEAST_STEP_MILLIS = 1e-3;

    /** A step that has not been reported as done is not done. */
    private static final double MOST_PROGRESS = 0.9;

    /** A prompt that is played through in more steps than this is played in larger ones. */
    private static final int MOST_STEPS = 32;

    private static final int MOST_MIXED_STEPS = 128;

    private final double slack;
    private final Fleet fleet;

    // The node as it is played through; filled in anew for each prompt.
    private double[] answers = new double[16];
    private int running;
    private double[] tokens = new double[16];
    private double[] attended = new double[16];
    private double[] outputs = new double[16];
    private int prompts;
    private int done;
    private int stepsOwner;
    private int prefilling;
    private double taken;
    private double takenAttended;
    private double millis;
    private long now;

    /**
     * @param slack by which part prompts may slow running answers down
     */
    SharedCores(double slack, Fleet fleet) {
        this.slack = slack;
        this.fleet = fleet;
    }

    /** What a prompt takes at a worker that only prefills. */
    Progress prefill(int at, double ownTokens, double ownAttended, double ownAnswer, long nanos) {
        now = nanos;
        gatherAnswers(fleet.node(at));
        gatherPrompts(at);
        add(ownTokens, ownAttended, ownAnswer);
        millis = 0;
        double begun = play(at);
        return new Progress(begun, millis - begun);
    }

    /** What a prompt takes at a worker that generates too. */
    Progress mixed(int at, double ownTokens, double ownAttended, long nanos) {
        now = nanos;
        var worker = fleet.worker(at);
        stepsOwner = at;
        running = 0;
        for (var job : worker.jobs.all()) {
            if (job.generating()) {
                answer(worker.jobs.left(job));
            }
        }
        gatherPrompts(at);
        double first = prompts == 0 && running > 0 ? stepMillis(running) : 0;
        millis = Math.max(0, first - worker.sinceReportMillis(now));
        add(ownTokens, ownAttended, 0);
        double begun = playMixed(worker, prefillBacklog(at));
        return new Progress(begun, millis - begun);
    }

    private double prefillBacklog(int at) {
        double backlog = 0;
        prefilling = 0;
        for (int i = 0; i < fleet.size(); i++) {
            var worker = fleet.worker(i);
            if (fleet.node(i) == fleet.node(at) && !worker.spec.role().generates()) {
                double tokens = worker.waitingTokens();
                double steps = worker.steps(tokens);
                backlog += worker.promptMillis(steps, tokens, worker.waitingAttended(), now);
                prefilling += worker.waitingPrompts();
            }
        }
        return backlog;
    }

    /**
     * Plays until the last prompt is computed, by a worker whose steps carry few prompt tokens
     * while it generates.
     *
     * @param prefill milliseconds of work that others on the same cores have
     * @return when it is begun with
     */
    private double playMixed(WorkerState worker, double prefill) {
        double others = prefill;
        double under = worker.sinceReportMillis(now);
        double all = 0;
        for (int i = 0; i < prompts; i++) {
            all += tokens[i];
        }
        double scale = Math.max(1, all / worker.spec.mixedStepTokens() / MOST_MIXED_STEPS);
        double begun = -1;
        int next = 0;
        while (next < prompts) {
            int beside = running;
            double steps = beside > 0 ? scale : 1;
            double most =
                    beside > 0
                            ? scale * worker.spec.mixedStepTokens()
                            : Math.max(worker.usualStepTokens(), all / MOST_STEPS);
            if (begun < 0 && startsWithin(next, most)) {
                begun = millis;
            }
            int from = next;
            next = take(from, most);
            double work = worker.mixedMillis(steps, taken, takenAttended, beside, now);
            work -= Math.min(MOST_PROGRESS * work, under);
            under = 0;
            double lent = Math.min(others, work * part(prefilling, Math.max(1, beside)));
            others -= lent;
            millis += work + lent;
            advance(steps);
            finish(from, next);
        }
        return Math.max(0, begun);
    }

    private void gatherAnswers(int node) {
        running = 0;
        stepsOwner = -1;
        for (int i = 0; i < fleet.size(); i++) {
            var worker = fleet.worker(i);
            if (fleet.node(i) != node || !worker.spec.role().generates()) {
                continue;
            }
            if (stepsOwner < 0 || worker.running() > fleet.worker(stepsOwner).running()) {
                stepsOwner = i;
            }
            for (var job : worker.jobs.all()) {
                if (job.generating()) {
                    answer(worker.jobs.left(job));
                } else if (job.tokens > 0) {
                    double work = worker.promptMillis(1, job.tokens, job.attended, now);
                    answer(worker.jobs.left(job) + work / stepMillis(1));
                }
            }
        }
    }

    private void answer(double left) {
        if (running == answers.length) {
            answers = Arrays.copyOf(answers, 2 * running);
        }
        answers[running++] = left;
    }

    /**
     * What is left of the prompts at a worker: it computes them in the order in which they came.
     */
    private void gatherPrompts(int at) {
        var worker = fleet.worker(at);
        prompts = 0;
        done = 0;
        double all = 0;
        for (var job : worker.jobs.all()) {
            all += job.generating() ? 0 : job.tokens;
        }
        double computed = Math.max(0, all - worker.waitingTokens());
        for (var job : worker.jobs.all()) {
            if (job.generating()) {
                continue;
            }
            double had = Math.min(job.tokens, computed);
            computed -= had;
            double left = job.tokens - had;
            if (left > 0.5) {
                add(left, job.attended * left / job.tokens, job.outputTokens);
            } else if (job.tokens > 0) {
                answer(job.outputTokens);
            }
        }
    }

    private void add(double newTokens, double newAttended, double output) {
        if (prompts == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * prompts);
            attended = Arrays.copyOf(attended, 2 * prompts);
            outputs = Arrays.copyOf(outputs, 2 * prompts);
        }
        tokens[prompts] = newTokens;
        attended[prompts] = newAttended;
        outputs[prompts] = output;
        prompts++;
    }

    /**
     * Plays until the last prompt is computed.
     *
     * @return when it is begun with
     */
    private double play(int at) {
        var worker = fleet.worker(at);
        double all = 0;
        for (int i = 0; i < prompts; i++) {
            all += tokens[i];
        }
        double largest = Math.max(worker.usualStepTokens(), all / MOST_STEPS);
        double under = worker.sinceReportMillis(now);
        double begun = -1;
        int next = 0;
        while (next < prompts) {
            if (begun < 0 && startsWithin(next, largest)) {
                begun = millis;
            }
            int from = next;
            next = take(from, largest);
            double work = worker.promptMillis(1, taken, takenAttended, now);
            run(work - Math.min(MOST_PROGRESS * work, under * rate()));
            under = 0;
            finish(from, next);
        }
        return Math.max(0, begun);
    }

    /** Whether a step of so many tokens reaches the last prompt. */
    private boolean startsWithin(int from, double most) {
        double before = 0;
        for (int i = from; i < prompts - 1; i++) {
            before += tokens[i];
        }
        return before < most;
    }

    /**
     * Makes up a step.
     *
     * @return the first prompt that it leaves unfinished
     */
    private int take(int from, double most) {
        taken = 0;
        takenAttended = 0;
        int next = from;
        while (next < prompts && taken < most) {
            double some = Math.min(tokens[next], most - taken);
            double of = tokens[next] <= 0 ? 0 : some / tokens[next];
            taken += some;
            takenAttended += attended[next] * of;
            attended[next] -= attended[next] * of;
            tokens[next] -= some;
            if (tokens[next] > DONE) {
                break;
            }
            next++;
        }
        return next;
    }

    private void finish(int from, int to) {
        for (int i = from; i < to; i++) {
            done++;
            if (outputs[i] > 0) {
                answer(outputs[i]);
            }
        }
    }

    /** Plays so many milliseconds of a step: each round ends an answer or all of them. */
    private void run(double work) {
        double left = work;
        while (left > DONE && running > 0) {
            double rate = rate();
            double perToken = stepMillis(running) / (1 - rate);
            double passed = Math.min(left / rate, least() * perToken);
            left -= passed * rate;
            millis += passed;
            advance(passed / perToken);
        }
        millis += Math.max(0, left);
    }

    /** The part of the time that prefill has. */
    private double rate() {
        if (running == 0) {
            return 1;
        }
        double part = part(prompts - done, running);
        return part / (1 + part);
    }

    private double least() {
        double least = Double.MAX_VALUE;
        for (int i = 0; i < running; i++) {
            least = Math.min(least, answers[i]);
        }
        return least;
    }

    private void advance(double by) {
        int kept = 0;
        for (int i = 0; i < running; i++) {
            if (answers[i] - by > 1e-6) {
                answers[kept++] = answers[i] - by;
            }
        }
        running = kept;
    }

    private double stepMillis(int answersBeside) {
        if (stepsOwner < 0) {
            return LEAST_STEP_MILLIS;
        }
        var worker = fleet.worker(stepsOwner);
        double context =
                worker.running() == 0 ? 0 : (double) worker.contextTokens() / worker.running();
        double step = worker.decodeMillis(answersBeside, context * answersBeside, now);
        return Math.max(LEAST_STEP_MILLIS, step);
    }

    private double part(int waiting, int answersBeside) {
        double surplus = (double) (waiting - answersBeside) / answersBeside;
        return Math.max(slack, Math.min(1, surplus));
    }
}
