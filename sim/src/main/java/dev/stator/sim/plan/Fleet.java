package dev.stator.sim.plan;

import dev.stator.sim.time.Gpu;
import dev.stator.sim.time.Link;
import dev.stator.sim.time.WorkerShape;

/** Workers that serve one model. */
public sealed interface Fleet {
    int gpus();

    /** One of the workers that generate. */
    WorkerShape generator();

    default Gpu gpu() {
        return generator().gpu();
    }

    default long kvBytesPerToken() {
        return generator().kvBytesPerToken();
    }

    /** One line for people. */
    String describe();

    /** Each worker prefills for itself and answers. */
    record Aggregated(WorkerShape worker, int workers, int stepTokens) implements Fleet {
        @Override
        public WorkerShape generator() {
            return worker;
        }

        @Override
        public int gpus() {
            return workers * worker.gpus();
        }

        @Override
        public String describe() {
            return "%s, %d prompt tokens per step at most"
                    .formatted(count(workers, "worker", worker), stepTokens);
        }
    }

    /** Some workers prefill, others answer. */
    record Split(WorkerShape prefill, int prefillWorkers, WorkerShape decode, int decodeWorkers)
            implements Fleet {
        @Override
        public WorkerShape generator() {
            return decode;
        }

        @Override
        public int gpus() {
            return prefillWorkers * prefill.gpus() + decodeWorkers * decode.gpus();
        }

        @Override
        public String describe() {
            return "%s + %s"
                    .formatted(
                            count(prefillWorkers, "prefill worker", prefill),
                            count(decodeWorkers, "decode worker", decode));
        }

        /** The way of KV from prefill to decode workers. */
        Link link() {
            return gpus() <= decode.gpu().perHost() ? Link.DEVICE_TO_DEVICE : Link.NETWORK;
        }
    }

    private static String count(int workers, String what, WorkerShape shape) {
        return "%d %s%s of %d GPU%s"
                .formatted(
                        workers,
                        what,
                        workers == 1 ? "" : "s",
                        shape.gpus(),
                        shape.gpus() == 1 ? "" : "s");
    }
}
