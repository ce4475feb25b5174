package dev.stator.sim.trace;

/**
 * Synthetic conversations. Sessions begin at random times (Poisson); each belongs to one of some
 * groups that share a system prompt, and asks its next turn some time after the answer to the last.
 *
 * @param sessionsPerSecond that begin
 * @param groups that share a system prompt each, at least 1
 * @param systemTokens of a system prompt
 * @param turns of a session, on average (geometric)
 * @param turnTokens that a user adds, on average (exponential)
 * @param answerTokens on average (exponential)
 * @param thinkSeconds from an answer to the next turn, on average (exponential)
 * @param maxTokens a session ends before its prompt and answer exceed this
 */
public record SessionMix(
        String name,
        int blockTokens,
        double sessionsPerSecond,
        int groups,
        int systemTokens,
        double turns,
        double turnTokens,
        double answerTokens,
        double thinkSeconds,
        int maxTokens)
        implements Trace {
    public SessionMix {
        require(blockTokens >= 1, "block-tokens must be at least 1");
        require(sessionsPerSecond > 0, "rate must be positive");
        require(groups >= 1, "groups must be at least 1");
        require(systemTokens >= 0, "system-tokens must not be negative");
        require(turns >= 1, "turns must be at least 1");
        require(turnTokens >= 1, "turn-tokens must be at least 1");
        require(answerTokens >= 1, "answer-tokens must be at least 1");
        require(thinkSeconds >= 0, "think-time must not be negative");
        require(
                maxTokens >= systemTokens + turnTokens + answerTokens,
                "max-tokens must hold a system prompt, a turn and an answer");
    }

    @Override
    public double requestsPerSecond() {
        return sessionsPerSecond * turns;
    }

    @Override
    public Arrivals arrivals(long seed, double requestsPerSecond, long requests) {
        return new SessionArrivals(this, seed, requestsPerSecond / turns, requests);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new TraceException(message);
        }
    }
}
