package dev.stator.engine.llama;

import dev.stator.engine.EngineException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Tells models apart whose KV must not mix.
 *
 * <p>Hashing tens of gigabytes would cost minutes at each start. So the hash covers the file's
 * size, its beginning (metadata, vocabulary, tensor table) and samples spread evenly over the
 * weights: training moves all weights, so two different models differ in every sample. It is no
 * defence against somebody who crafts a file to collide; who can replace the model file owns the
 * server anyway.
 */
final class Fingerprint {
    private static final int HEAD_BYTES = 16 << 20;
    private static final int SAMPLE_BYTES = 64 << 10;
    private static final int SAMPLES = 128;

    private Fingerprint() {}

    static String of(Path file, String... context) {
        try (var channel = FileChannel.open(file)) {
            var digest = MessageDigest.getInstance("SHA-256");
            for (var part : context) {
                digest.update(part.getBytes(StandardCharsets.UTF_8));
                digest.update((byte) 0);
            }
            long size = channel.size();
            digest.update(ByteBuffer.allocate(8).putLong(0, size));
            hash(digest, channel, 0, Math.min(size, HEAD_BYTES));
            long rest = size - HEAD_BYTES;
            for (int i = 0; i < SAMPLES && rest > 0; i++) {
                long at = HEAD_BYTES + rest / SAMPLES * i;
                hash(digest, channel, at, Math.min(SAMPLE_BYTES, size - at));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw new EngineException("cannot read the model " + file, e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static void hash(MessageDigest digest, FileChannel channel, long from, long length)
            throws IOException {
        digest.update(channel.map(FileChannel.MapMode.READ_ONLY, from, length));
    }
}
