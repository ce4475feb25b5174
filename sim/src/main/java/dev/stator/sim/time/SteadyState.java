package dev.stator.sim.time;

/**
 * A worker that always has the same number of requests: when one ends the next begins. Prompts are
 * spread evenly over the steps, as chunked prefill does in the long run.
 *
 * @param running requests at a time
 * @param stepMillis how long each step takes, which is the time between tokens
 * @param requestsPerSecond how many end
 */
public record SteadyState(int running, double stepMillis, double requestsPerSecond) {
    public static SteadyState of(TimeModel model, Workload workload, int running) {
        double begun = (double) running / workload.answerTokens();
        var prompt = workload.prefill();
        var work =
                new StepWork(
                        (int) Math.round(begun * prompt.prefillTokens()),
                        begun * prompt.prefillAttended(),
                        running,
                        Math.round(running * workload.meanContext()));
        double stepMillis = model.stepMillis(work);
        return new SteadyState(running, stepMillis, begun * 1e3 / stepMillis);
    }

    /** With as many requests as KV has room for, at most {@code most}. */
    public static SteadyState full(TimeModel model, Workload workload, int most) {
        return of(model, workload, room(model, workload, most));
    }

    /** How many requests have room at a time, when each is promised all that it will need. */
    public static int room(TimeModel model, Workload workload, int most) {
        return (int) Math.min(most, model.kvTokens() / workload.totalTokens());
    }
}
