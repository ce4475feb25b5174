package dev.stator.sim;

import java.util.ArrayList;
import java.util.List;

/**
 * Maps values to places on a plot and says where the ticks are.
 *
 * @param low value at {@code from}
 * @param high value at {@code to}, above {@code low}
 * @param log whether equal distances are equal ratios; both values are then positive
 */
record Axis(double low, double high, boolean log, double from, double to) {
    private static final int TICKS = 5;

    /** From zero to a round number at or above the largest value. */
    static Axis fromZero(double largest, double from, double to) {
        double step = step(largest);
        return new Axis(0, Math.max(step, Math.ceil(largest / step) * step), false, from, to);
    }

    /** Between values, with a little room. */
    static Axis between(double least, double largest, double from, double to) {
        double room = largest > least ? (largest - least) * 0.06 : Math.max(1e-9, largest * 0.1);
        return new Axis(least - room, largest + room, false, from, to);
    }

    /** Between the powers of ten, doubled or five times, around some positive values. */
    static Axis logarithmic(double least, double largest, double from, double to) {
        double low = 1;
        double high = 1;
        for (int power = -9; power < 12; power++) {
            for (int digit : DIGITS) {
                double tick = digit * Math.pow(10, power);
                low = tick <= least ? tick : low;
            }
        }
        for (int power = 12; power > -9; power--) {
            for (int i = DIGITS.length - 1; i >= 0; i--) {
                double tick = DIGITS[i] * Math.pow(10, power);
                high = tick >= largest ? tick : high;
            }
        }
        return new Axis(low, high > low ? high : low * 10, true, from, to);
    }

    private static final int[] DIGITS = {1, 2, 5};

    double place(double value) {
        double share =
                log
                        ? (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))
                        : (value - low) / (high - low);
        return from + Math.clamp(share, 0, 1) * (to - from);
    }

    List<Double> ticks() {
        var ticks = new ArrayList<Double>();
        if (log) {
            boolean dense = high / low < 1e3;
            for (int power = -9; power < 13; power++) {
                for (int digit : DIGITS) {
                    double tick = digit * Math.pow(10, power);
                    if ((dense || digit == 1) && tick >= low * 0.999 && tick <= high * 1.001) {
                        ticks.add(tick);
                    }
                }
            }
            return ticks;
        }
        double step = step(high - low);
        for (double tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) {
            ticks.add(Math.abs(tick) < step / 1e6 ? 0 : tick);
        }
        return ticks;
    }

    /** A round distance that gives about the usual number of ticks. */
    private static double step(double range) {
        double rough = Math.max(range, 1e-9) / TICKS;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double digit = rough / power;
        return power * (digit > 5 ? 10 : digit > 2 ? 5 : digit > 1 ? 2 : 1);
    }
}
