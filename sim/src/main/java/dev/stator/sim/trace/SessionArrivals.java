package dev.stator.sim.trace;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** A run of synthetic conversations; later turns come by {@link #followUp}. */
final class SessionArrivals implements Arrivals {
    private final SessionMix mix;
    private final double sessionsPerNano;
    private final long salt;
    private final SplittableRandom random;
    private final Map<Long, SplittableRandom> talking = new HashMap<>();
    private long sessions;
    private long nanos;
    private long left;

    SessionArrivals(SessionMix mix, long seed, double sessionsPerSecond, long requests) {
        this.mix = mix;
        sessionsPerNano = sessionsPerSecond / 1e9;
        salt = Fingerprint.mix(seed, 1);
        random = new SplittableRandom(seed);
        left = requests;
    }

    @Override
    public Optional<TraceRequest> next() {
        if (left == 0) {
            return Optional.empty();
        }
        left--;
        nanos += (long) (random.nextExponential() / sessionsPerNano);
        long session = sessions++;
        // Each session draws from its own generator, so that the order of answers changes nothing.
        var draws = random.split();
        talking.put(session, draws);
        int answer = drawn(draws, mix.answerTokens(), mix.maxTokens() / 2);
        int room = mix.maxTokens() - mix.systemTokens() - answer;
        int prompt = mix.systemTokens() + drawn(draws, mix.turnTokens(), Math.max(1, room));
        return Optional.of(request(session, nanos, prompt, answer));
    }

    @Override
    public Optional<TraceRequest> followUp(TraceRequest answered, long end) {
        long session = answered.session();
        var draws = talking.get(session);
        if (draws == null || left == 0) {
            return Optional.empty();
        }
        boolean last = draws.nextDouble() < 1 / mix.turns();
        long think = (long) (draws.nextExponential() * mix.thinkSeconds() * 1e9);
        int answer = drawn(draws, mix.answerTokens(), mix.maxTokens());
        int prompt =
                answered.promptTokens()
                        + answered.outputTokens()
                        + drawn(draws, mix.turnTokens(), mix.maxTokens());
        if (last || prompt + answer > mix.maxTokens()) {
            talking.remove(session);
            return Optional.empty();
        }
        left--;
        return Optional.of(request(session, end + think, prompt, answer));
    }

    private static int drawn(SplittableRandom draws, double mean, int most) {
        return (int) Math.clamp(Math.rint(draws.nextExponential() * mean), 1, most);
    }

    private TraceRequest request(long session, long arrival, int prompt, int answer) {
        return new TraceRequest(arrival, prompt, answer, keys(session, prompt + answer), session);
    }

    private long[] keys(long session, int tokens) {
        long[] keys = new long[tokens / mix.blockTokens()];
        int shared = Math.min(keys.length, mix.systemTokens() / mix.blockTokens());
        long group = -1 - Math.floorMod(Fingerprint.mix(salt, session), mix.groups());
        for (int block = 0; block < keys.length; block++) {
            long text = Fingerprint.mix(salt, block < shared ? group : session);
            keys[block] = Fingerprint.mix(text, block);
        }
        return keys;
    }
}
