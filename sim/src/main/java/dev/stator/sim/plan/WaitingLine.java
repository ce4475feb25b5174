package dev.stator.sim.plan;

/**
 * How long customers wait in one line before several equal servers.
 *
 * <p>Erlang's formula for the part that waits at all, the correction of Lee and Longton (1959) for
 * what is not exponential, and an exponential tail, which is exact for M/M/c and the limit in heavy
 * traffic for all (Kingman 1962).
 *
 * @param servers at least 1
 * @param arrivalsPerMilli in all
 * @param serviceMillis of one customer, on average
 * @param variability half the sum of the squared coefficients of variation of the time between
 *     arrivals and of the service time: 1 for M/M/c, 0.5 for M/D/c
 */
record WaitingLine(int servers, double arrivalsPerMilli, double serviceMillis, double variability) {
    double busy() {
        return arrivalsPerMilli * serviceMillis / servers;
    }

    /** The part of the customers that waits. */
    double waiting() {
        double offered = arrivalsPerMilli * serviceMillis;
        if (offered >= servers) {
            return 1;
        }
        // Erlang B by its recursion, which does not overflow; Erlang C from it.
        double blocked = 1;
        for (int i = 1; i <= servers; i++) {
            blocked = offered * blocked / (i + offered * blocked);
        }
        double busy = offered / servers;
        return blocked / (1 - busy * (1 - blocked));
    }

    Figure delay() {
        if (busy() >= 1) {
            return Figure.ENDLESS;
        }
        double waiting = waiting();
        double millisOfWaiters = variability * serviceMillis / (servers * (1 - busy()));
        return new Figure(
                waiting * millisOfWaiters,
                tail(waiting, millisOfWaiters, Percentile.P90),
                tail(waiting, millisOfWaiters, Percentile.P99));
    }

    private static double tail(double waiting, double millis, Percentile percentile) {
        double beyond = 1 - percentile.part();
        return waiting <= beyond ? 0 : millis * Math.log(waiting / beyond);
    }
}
