package dev.stator.cache.disk;

import dev.stator.cache.CacheException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;

/**
 * An append-only file of encrypted entries, each of which knows its place: {@code u32 bytes, nonce
 * (12), AES-256-GCM of the entry, tag (16)}. What a crash tore off its end is cut off at the next
 * start. Thread-safe.
 *
 * <p>An entry survives the process once it is appended, and a loss of power once the file was
 * rewritten. If it cannot be written, the operator is told once, and the entries live as long as
 * the process.
 */
public final class Journal implements AutoCloseable {
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BYTES = 16;
    private static final int MOST_BYTES = 1 << 30;

    private final Path path;
    private final NodeKey key;
    private final Consumer<String> warnings;
    private final ReentrantLock lock = new ReentrantLock();
    private final SecureRandom random = new SecureRandom();
    private Optional<FileChannel> file = Optional.empty();
    private long entries;
    private boolean failed;

    private Journal(Path path, NodeKey key, Consumer<String> warnings) {
        this.path = path;
        this.key = key;
        this.warnings = warnings;
    }

    static Journal open(Path path, NodeKey key, Consumer<String> warnings) {
        return new Journal(path, key, warnings);
    }

    /**
     * All that was appended and can be read. To be called once, before anything is appended.
     *
     * @throws CacheException if the file cannot be read
     */
    public List<byte[]> read() {
        lock.lock();
        try {
            FileChannel channel = channel();
            List<byte[]> read = new ArrayList<>();
            long at = 0;
            for (Optional<byte[]> next = entry(channel, at);
                    next.isPresent();
                    next = entry(channel, at)) {
                read.add(next.get());
                at += Integer.BYTES + NONCE_BYTES + next.get().length + TAG_BYTES;
                entries++;
            }
            channel.truncate(at);
            channel.position(at);
            return read;
        } catch (IOException e) {
            throw new CacheException("%s cannot be read: %s".formatted(path, e), e);
        } finally {
            lock.unlock();
        }
    }

    private FileChannel channel() throws IOException {
        if (file.isEmpty()) {
            file = Optional.of(create(path));
        }
        return file.get();
    }

    private static FileChannel create(Path path) throws IOException {
        if (!Files.exists(path)) {
            if (Files.getFileStore(path.getParent()).supportsFileAttributeView("posix")) {
                Files.createFile(
                        path,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
            } else {
                Files.createFile(path);
            }
        }
        return FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private Optional<byte[]> entry(FileChannel channel, long at) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(Integer.BYTES + NONCE_BYTES);
        if (!fill(channel, head, at)) {
            return Optional.empty();
        }
        int bytes = head.getInt();
        if (bytes < TAG_BYTES
                || bytes > MOST_BYTES
                || at + head.capacity() + bytes > channel.size()) {
            return Optional.empty();
        }
        byte[] nonce = new byte[NONCE_BYTES];
        head.get(nonce);
        ByteBuffer body = ByteBuffer.allocate(bytes);
        if (!fill(channel, body, at + head.capacity())) {
            return Optional.empty();
        }
        try {
            return Optional.of(cipher(Cipher.DECRYPT_MODE, nonce, entries).doFinal(body.array()));
        } catch (AEADBadTagException _) {
            return Optional.empty();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refuses to decrypt", e);
        }
    }

    private static boolean fill(FileChannel channel, ByteBuffer into, long from)
            throws IOException {
        long at = from;
        while (into.hasRemaining()) {
            int read = channel.read(into, at);
            if (read < 0) {
                return false;
            }
            at += read;
        }
        into.flip();
        return true;
    }

    private Cipher cipher(int mode, byte[] nonce, long place) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, key.secret(), new GCMParameterSpec(TAG_BYTES * 8, nonce));
        cipher.updateAAD(path.getFileName().toString().getBytes(StandardCharsets.UTF_8));
        cipher.updateAAD(ByteBuffer.allocate(Long.BYTES).putLong(place).flip());
        return cipher;
    }

    private ByteBuffer encoded(byte[] entry, long place) {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            byte[] body = cipher(Cipher.ENCRYPT_MODE, nonce, place).doFinal(entry);
            return ByteBuffer.allocate(Integer.BYTES + NONCE_BYTES + body.length)
                    .putInt(body.length)
                    .put(nonce)
                    .put(body)
                    .flip();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM refuses to encrypt", e);
        }
    }

    /** Adds an entry. */
    public void append(byte[] entry) {
        lock.lock();
        try {
            FileChannel channel = channel();
            write(channel, encoded(entry, entries));
            entries++;
        } catch (IOException e) {
            failed(e);
        } finally {
            lock.unlock();
        }
    }

    private static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Puts these in the place of all that there is, and writes zeros over what there was. */
    public void rewrite(List<byte[]> all) {
        lock.lock();
        try {
            Path fresh = path.resolveSibling(path.getFileName() + ".new");
            Files.deleteIfExists(fresh);
            FileChannel next = create(fresh);
            long place = 0;
            for (byte[] entry : all) {
                write(next, encoded(entry, place++));
            }
            next.force(true);
            FileChannel old = channel();
            Files.move(
                    fresh,
                    path,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            file = Optional.of(next);
            entries = place;
            erase(old);
        } catch (IOException e) {
            failed(e);
        } finally {
            lock.unlock();
        }
    }

    /** Its name is another file's already. */
    private static void erase(FileChannel old) throws IOException {
        try (old) {
            long size = old.size();
            ByteBuffer zeros = ByteBuffer.allocate(1 << 16);
            for (long at = 0; at < size; ) {
                zeros.position(0).limit((int) Math.min(zeros.capacity(), size - at));
                at += old.write(zeros, at);
            }
            old.force(false);
        }
    }

    private void failed(IOException e) {
        if (!failed) {
            failed = true;
            warnings.accept(
                    "%s cannot be written: %s. What belongs in it is lost at the next start."
                            .formatted(path, e));
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (file.isPresent()) {
                file.get().close();
                file = Optional.empty();
            }
        } catch (IOException _) {
            // What was written is written.
        } finally {
            lock.unlock();
        }
    }
}
