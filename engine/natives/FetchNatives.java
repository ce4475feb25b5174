import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Fetches the prebuilt llama.cpp libraries that package-lock.json pins into node_modules, unless they are there already. The build
 * runs it as a source file from this folder; it needs Node.js 20 or newer with npm.
 */
public final class FetchNatives {
    private static final Path LOCK = Path.of("package-lock.json");
    private static final Path STAMP = Path.of("node_modules", ".stator-fetched");

    public static void main(String[] arguments) throws IOException, InterruptedException {
        byte[] lock = Files.readAllBytes(LOCK);
        if (Files.exists(STAMP) && Arrays.equals(Files.readAllBytes(STAMP), lock)) {
            return;
        }
        System.out.println("fetching the llama.cpp libraries with npm (some 15 MB, once)");
        boolean windows = System.getProperty("os.name").startsWith("Windows");
        var npm = new ProcessBuilder(List.of(windows ? "npm.cmd" : "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"));
        int status = start(npm).waitFor();
        if (status != 0) {
            fail("npm could not fetch the llama.cpp libraries (exit %d; its own message is above)", status);
        }
        if (!Files.isDirectory(Path.of("node_modules", "@node-llama-cpp"))) {
            // Optional packages: npm skips in silence what does not fit the machine or cannot be had.
            System.out.println("npm has no llama.cpp libraries for this platform: point STATOR_LLAMA_DIR at a build of your own");
            return;
        }
        // A copy of the lock, not a time: checkouts and restored caches do not keep times.
        Files.write(STAMP, lock);
    }

    private static Process start(ProcessBuilder npm) {
        try {
            return npm.inheritIO().start();
        } catch (IOException e) {
            fail("npm is not on the PATH (%s). Install Node.js 20 or newer: the build fetches the llama.cpp libraries with it", e.getMessage());
            throw new AssertionError(e);
        }
    }

    private static void fail(String message, Object value) {
        System.err.println("stator: " + message.formatted(value));
        System.exit(1);
    }
}
