package dev.stator.bench;

/**
 * How fast tokens were computed.
 *
 * @param prefill tokens per second
 * @param decode tokens per second
 * @param prefillCpu tokens per second of the process's processor time
 * @param decodeCpu tokens per second of the process's processor time
 */
record Speed(double prefill, double decode, double prefillCpu, double decodeCpu) {}
