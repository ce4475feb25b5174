package dev.stator.routing;

import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * {@link Policy#DYNAMO}: the cost function of NVIDIA Dynamo's KV router as published for v1.6
 * (github.com/ai-dynamo/dynamo, lib/kv-router/src/scheduling/selector.rs and
 * docs/components/router), with its default weights. A baseline, written from the description.
 *
 * <pre>
 * cost = max(0, (active prefill tokens + prompt tokens) / block - credit) + decode blocks
 * credit = 1.0 device + 0.75 host + 0.25 disk      blocks, each beyond the tiers above it
 * decode blocks = distinct blocks of active requests if this one were added
 * </pre>
 *
 * With separate roles, prompts go by the first term and answers by the second, there without
 * deduplication. Load is what this router itself has sent: prompt tokens that were not cached,
 * until the first token, and blocks, until the request ends. Ties are broken at random.
 */
final class Dynamo implements Pick {
    private static final double DEVICE_CREDIT = 1.0;
    private static final double HOST_CREDIT = 0.75;
    private static final double DISK_CREDIT = 0.25;

    /** What a worker is busy with. */
    private static final class Active {
        final KeyCounts shared = new KeyCounts();
        long unsharedBlocks;
        double prefillTokens;

        /** Active blocks if a request with these keys were added. */
        long blocksWith(long[] keys) {
            // All blocks of a prompt are added together and a key covers those before it, so what
            // is
            // active of a prompt is a prefix.
            int low = 0;
            int high = keys.length;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (shared.contains(keys[middle])) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return unsharedBlocks + shared.size() + keys.length - low;
        }
    }

    /** A request on its way. */
    private static final class Flight {
        final Decision decision;
        final boolean split;
        double prefillTokens;

        Flight(Decision decision, double prefillTokens) {
            this.decision = decision;
            this.split = decision.plan() instanceof Plan.Split;
            this.prefillTokens = prefillTokens;
        }
    }

    private final RandomGenerator random;
    private final Map<String, Active> workers = new HashMap<>();
    private final Map<Long, Flight> flights = new HashMap<>();
    private double pickedCredit;

    Dynamo(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public int pick(Situation situation, Positions able, Task task) {
        int picked = able.get(0);
        double least = Double.MAX_VALUE;
        int equals = 0;
        for (int i = 0; i < able.size(); i++) {
            int at = able.get(i);
            double cost = cost(situation, at, task);
            if (cost < least) {
                least = cost;
                picked = at;
                equals = 1;
            } else if (cost == least && random.nextInt(++equals) == 0) {
                picked = at;
            }
        }
        if (task != Task.ANSWER) {
            pickedCredit = credit(situation.holdings, picked);
        }
        return picked;
    }

    private double cost(Situation situation, int at, Task task) {
        var request = situation.request();
        var active = active(situation.worker(at).spec.id());
        double prefill =
                (active.prefillTokens + request.promptTokens()) / request.blockTokens()
                        - credit(situation.holdings, at);
        return switch (task) {
            case ALL -> Math.max(0, prefill) + active.blocksWith(request.keys());
            case PROMPT -> Math.max(0, prefill);
            case ANSWER -> active.unsharedBlocks + active.shared.size();
        };
    }

    private static double credit(Holdings holdings, int at) {
        int device = holdings.onDevice(at);
        int host = Math.max(device, holdings.onHost(at));
        int disk = Math.max(host, holdings.onDisk(at));
        return DEVICE_CREDIT * device + HOST_CREDIT * (host - device) + DISK_CREDIT * (disk - host);
    }

    private Active active(String worker) {
        return workers.computeIfAbsent(worker, _ -> new Active());
    }

    @Override
    public void dispatched(Decision decision) {
        var request = decision.request();
        double uncached =
                Math.max(0, request.promptTokens() - pickedCredit * request.blockTokens());
        var flight = new Flight(decision, uncached);
        flights.put(request.id(), flight);
        active(decision.plan().prefillWorker()).prefillTokens += uncached;
        var decode = active(decision.plan().decodeWorker());
        if (flight.split) {
            decode.unsharedBlocks += request.keys().length;
        } else {
            for (long key : request.keys()) {
                decode.shared.add(key);
            }
        }
    }

    @Override
    public void firstToken(long request) {
        var flight = flights.get(request);
        if (flight != null) {
            active(flight.decision.plan().prefillWorker()).prefillTokens -= flight.prefillTokens;
            flight.prefillTokens = 0;
        }
    }

    @Override
    public void finished(long request) {
        firstToken(request);
        var flight = flights.remove(request);
        if (flight == null) {
            return;
        }
        var decode = active(flight.decision.plan().decodeWorker());
        long[] keys = flight.decision.request().keys();
        if (flight.split) {
            decode.unsharedBlocks -= keys.length;
        } else {
            for (long key : keys) {
                decode.shared.remove(key);
            }
        }
    }
}
