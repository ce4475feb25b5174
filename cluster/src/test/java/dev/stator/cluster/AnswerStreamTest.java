package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cluster.wire.AnswerPart;
import dev.stator.engine.SamplingOptions;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GenerationRequest;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** An answer at its node, in virtual time. */
final class AnswerStreamTest {
    /** Keeps what goes to the frontend. */
    private static final class Call extends ServerCallStreamObserver<AnswerPart> {
        final List<AnswerPart> parts = new ArrayList<>();
        final List<Throwable> failures = new ArrayList<>();

        @Override
        public void onNext(AnswerPart part) {
            parts.add(part);
        }

        @Override
        public void onError(Throwable failure) {
            failures.add(failure);
        }

        @Override
        public void onCompleted() {}

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public void setOnCancelHandler(Runnable handler) {}

        @Override
        public void setOnReadyHandler(Runnable handler) {}

        @Override
        public void setCompression(String compression) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}
    }

    private final VirtualTime time = new VirtualTime();
    private final Random random = new Random(1);
    private final VirtualProcess process = new VirtualProcess("n", 0, time, random);
    private final VirtualNode node =
            new VirtualNode(
                    new VirtualNode.Shape(
                            4, 4, 64, 8, 256, Duration.ofMillis(1), Duration.ofMillis(40), 0),
                    new GreedyModel(),
                    process,
                    random,
                    new HashSet<>(),
                    _ -> {});
    private final Call call = new Call();
    private final List<AnswerStream> ended = new ArrayList<>();
    private final AnswerStream stream = new AnswerStream(call, () -> false, ended::add);

    /** Its answer takes four seconds: it does not end by itself. */
    private static GenerationRequest question() {
        var model = new GreedyModel();
        int[] prompt =
                IntStream.range(32, 500)
                        .mapToObj(token -> new int[] {token})
                        .filter(each -> model.answer(each, 100).length == 100)
                        .findFirst()
                        .orElseThrow();
        return new GenerationRequest(
                "q", prompt, 100, SamplingOptions.GREEDY, List.of(), Set.of(), true, "");
    }

    private void pass(Duration duration) {
        time.runUntil(time.now() + duration.toNanos());
    }

    @Test
    void whatIsHandedOverWhileItWaitsForBlocksIsNotComputed() {
        stream.handOver();
        stream.submit(node, question(), FromPeers.nothing());
        pass(Duration.ofSeconds(1));

        assertThat(node.isIdle()).isTrue();
        assertThat(ended).containsExactly(stream);
        assertThat(call.failures).singleElement().matches(Calls::isLeaving);
    }

    @Test
    void theFirstPartIsEmptyAndSaysThatTheNodeHasTheRequest() {
        stream.accept();
        stream.submit(node, question(), FromPeers.nothing());
        pass(Duration.ofSeconds(1));

        assertThat(call.parts.getFirst()).isEqualTo(AnswerPart.getDefaultInstance());
        assertThat(call.parts).hasSizeGreaterThan(10);
    }
}
