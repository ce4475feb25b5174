package dev.stator.routing;

/**
 * How a prompt gets on at a worker.
 *
 * @param queueMillis until it is begun with
 * @param prefillMillis computing it from then on
 */
public record Progress(double queueMillis, double prefillMillis) {
    double doneMillis() {
        return queueMillis + prefillMillis;
    }

    Progress times(double factor) {
        return new Progress(queueMillis * factor, prefillMillis * factor);
    }
}
