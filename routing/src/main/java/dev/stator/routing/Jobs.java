package dev.stator.routing;

import java.util.ArrayList;
import java.util.List;

/**
 * The requests that a worker was given and that have not ended, in the order in which they were
 * dispatched, and how far their answers are: each step of a worker that generates adds a token to
 * every answer that runs.
 */
final class Jobs {
    /** One request at one worker. */
    static final class Job {
        final long request;

        /** Prompt tokens that the worker was to compute; 0 if another computes them. */
        final double tokens;

        final double attended;

        /** Expected length of the answer if this worker generates it, else 0. */
        final double answerTokens;

        /** What its answer will be as long as, at whichever worker. */
        final double outputTokens;

        private long begunAt = NOT_BEGUN;

        Job(
                long request,
                double tokens,
                double attended,
                double answerTokens,
                double outputTokens) {
            this.request = request;
            this.tokens = tokens;
            this.attended = attended;
            this.answerTokens = answerTokens;
            this.outputTokens = outputTokens;
        }

        boolean generating() {
            return begunAt != NOT_BEGUN;
        }
    }

    private static final long NOT_BEGUN = -1;
    private static final double WEIGHT = 0.05;

    private final List<Job> jobs = new ArrayList<>();
    private long steps;

    /** How long answers were, as a part of what was expected. */
    private double share = 1;

    List<Job> all() {
        return jobs;
    }

    void add(Job job) {
        jobs.add(job);
    }

    /** A step that added a token to every answer. */
    void generated() {
        steps++;
    }

    void firstToken(long request) {
        for (var job : jobs) {
            if (job.request == request && !job.generating()) {
                job.begunAt = steps;
            }
        }
    }

    void remove(long request) {
        for (int i = 0; i < jobs.size(); i++) {
            var job = jobs.get(i);
            if (job.request == request) {
                jobs.remove(i);
                if (job.generating() && job.answerTokens > 0) {
                    double part = (1 + steps - job.begunAt) / job.answerTokens;
                    share += WEIGHT * (Math.min(1, part) - share);
                }
                return;
            }
        }
    }

    /** Tokens that an answer which runs, or will run, is expected to have still to come. */
    double left(Job job) {
        double had = job.generating() ? 1 + steps - job.begunAt : 0;
        return Math.max(1, expected(job.answerTokens) - had);
    }

    double expected(double answerTokens) {
        return share * answerTokens;
    }
}
