package dev.stator.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cache.CacheException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.TransientNio2BlobStore;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** Against s3proxy, which checks signatures as S3 does, in this process. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class S3StoreTest {
    private S3Proxy server;
    private String endpoint;

    @BeforeAll
    void start() throws Exception {
        server =
                S3Proxy.builder()
                        .blobStore(new TransientNio2BlobStore())
                        .endpoint(URI.create("http://127.0.0.1:0"))
                        .awsAuthentication(AuthenticationType.AWS_V4, "access", "sec/ret")
                        .build();
        server.start();
        endpoint = "http://127.0.0.1:" + server.getPort();
        try (var client =
                S3Client.builder()
                        .httpClient(UrlConnectionHttpClient.create())
                        .region(Region.US_EAST_1)
                        .forcePathStyle(true)
                        .endpointOverride(URI.create(endpoint))
                        .credentialsProvider(
                                StaticCredentialsProvider.create(
                                        AwsBasicCredentials.create("access", "sec/ret")))
                        .build()) {
            client.createBucket(bucket -> bucket.bucket("blocks"));
        }
    }

    @AfterAll
    void stop() throws Exception {
        server.stop();
    }

    private String url(String path) {
        return "s3://access:sec%2Fret@" + path + "?endpoint=" + endpoint;
    }

    @Test
    void keepsValues() throws Exception {
        try (var store = RemoteStores.open(url("blocks/one"), StoreContract.PATIENCE)) {
            StoreContract.keepsValues(store);
        }
    }

    @Test
    void carriesBlocks(@TempDir Path folder) throws Exception {
        try (var writer = RemoteStores.open(url("blocks"), StoreContract.PATIENCE);
                var reader = RemoteStores.open(url("blocks"), StoreContract.PATIENCE)) {
            StoreContract.carriesBlocks(writer, reader, folder);
        }
    }

    @Test
    void prefixesAreApart() throws Exception {
        try (var one = RemoteStores.open(url("blocks/x"), StoreContract.PATIENCE);
                var other = RemoteStores.open(url("blocks/y"), StoreContract.PATIENCE)) {
            StoreContract.get(one.put("a", new byte[1], Duration.ZERO));
            assertThat(StoreContract.get(one.get("a", 1))).isPresent();
            assertThat(StoreContract.get(other.get("a", 1))).isEmpty();
        }
    }

    @Test
    void wrongCredentialsBucketsAndAddressesFail() {
        for (var url :
                new String[] {
                    url("blocks").replace("sec%2Fret", "wrong"),
                    url("nobucket"),
                    "s3://a:b@blocks?endpoint=http://127.0.0.1:1"
                }) {
            try (var store = RemoteStores.open(url, StoreContract.PATIENCE)) {
                assertThat(store.put("a", new byte[1], Duration.ZERO))
                        .failsWithin(StoreContract.PATIENCE);
                assertThat(store.address()).doesNotContain("a:b").doesNotContain("wrong");
            }
        }
    }

    @Test
    void aUrlThatIsNoneIsRefusedWithoutItsSecret() {
        for (var url :
                new String[] {
                    "s3://",
                    "s3:///prefix",
                    "s3://secret@bucket",
                    "s3://user:secret@bucket?colour=red",
                    "s3://user:secret@bucket?endpoint=ftp://x"
                }) {
            assertThatThrownBy(() -> RemoteStores.open(url, StoreContract.PATIENCE))
                    .isInstanceOf(CacheException.class)
                    .hasMessageContaining("s3://BUCKET/PREFIX")
                    .hasMessageNotContaining("secret");
        }
    }
}
