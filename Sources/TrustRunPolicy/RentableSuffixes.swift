// SPDX-License-Identifier: Apache-2.0

/// Suffixes under which anybody can get a name of their own for the asking: a tenant's storage account, bucket, app, tunnel, subdomain.
///
/// From the private section of the public suffix list (Debian's publicsuffix 20230209.2326-1) as far as it names clouds, hosting and tunnels,
/// and from the providers' pages, which name many data services that are not in that list. A label may be a glob: `s3.*.amazonaws.com` is one
/// suffix for each region.
enum RentableSuffixes {
    static let all: [[Substring]] = (microsoft + amazon + google + hosting + tunnels + storage + services + registries)
        .flatMap { group in
            group.split(separator: " ").map { suffix in suffix.split(separator: ".") }
        }

    /// learn.microsoft.com/azure/private-link/private-endpoint-dns lists the zones of data services.
    private static let microsoft = [
        "openai.azure.com cognitiveservices.azure.com services.ai.azure.com search.windows.net blob.core.windows.net",
        "dfs.core.windows.net file.core.windows.net queue.core.windows.net table.core.windows.net web.core.windows.net",
        "*.blob.storage.azure.net *.web.core.windows.net database.windows.net servicebus.windows.net redis.cache.windows.net",
        "redisenterprise.cache.azure.net *.redis.azure.net vault.azure.net managedhsm.azure.net azurecr.io azconfig.io",
        "documents.azure.com *.cosmos.azure.com postgres.database.azure.com mysql.database.azure.com mariadb.database.azure.com",
        "azurewebsites.net *.azurewebsites.net scm.azurewebsites.net azure-mobile.net azurestaticapps.net",
        "*.azurestaticapps.net cloudapp.net cloudapp.azure.com *.cloudapp.azure.com azurecontainer.io *.azurecontainer.io",
        "*.azurecontainerapps.io azurefd.net *.azurefd.net azureedge.net trafficmanager.net azure-api.net azure-devices.net",
        "azmk8s.io *.azmk8s.io api.azureml.ms *.instances.azureml.ms *.inference.ml.azure.com notebooks.azure.net",
        "azuredatabricks.net azuresynapse.net sql.azuresynapse.net dev.azuresynapse.net service.signalr.net",
        "webpubsub.azure.com communication.azure.com *.batch.azure.com *.eventgrid.azure.net azurehealthcareapis.com",
        "*.azurehealthcareapis.com purview.azure.com *.kusto.windows.net kusto.windows.net datafactory.azure.net",
        "afs.azure.net *.ingest.monitor.azure.com oms.opinsights.azure.com ods.opinsights.azure.com *.logic.azure.com",
        "digitaltwins.azure.net *.digitaltwins.azure.net msappproxy.net vo.msecnd.net onmicrosoft.com b2clogin.com",
        "ciamlogin.com sharepoint.com dynamics.com *.dynamics.com powerappsportals.com visualstudio.com devtunnels.ms *.devtunnels.ms",
    ]

    /// docs.aws.amazon.com/general/latest/gr names the endpoints that hold an account, a bucket or a resource.
    private static let amazon = [
        "s3.amazonaws.com s3-*.amazonaws.com s3.*.amazonaws.com s3.dualstack.*.amazonaws.com s3-website.*.amazonaws.com",
        "s3-accelerate.amazonaws.com s3-accelerate.dualstack.amazonaws.com s3-accesspoint.*.amazonaws.com s3express-*.*.amazonaws.com",
        "s3-control.*.amazonaws.com execute-api.*.amazonaws.com appsync-api.*.amazonaws.com dkr.ecr.*.amazonaws.com",
        "ddb.*.amazonaws.com lambda-url.*.on.aws *.elb.amazonaws.com elb.*.amazonaws.com compute-1.amazonaws.com",
        "*.compute.amazonaws.com *.rds.amazonaws.com *.*.rds.amazonaws.com *.es.amazonaws.com *.aoss.amazonaws.com",
        "*.redshift.amazonaws.com *.*.redshift.amazonaws.com *.redshift-serverless.amazonaws.com *.*.redshift-serverless.amazonaws.com",
        "*.cache.amazonaws.com *.*.cache.amazonaws.com *.*.vpce.amazonaws.com iot.*.amazonaws.com mq.*.amazonaws.com",
        "kafka.*.amazonaws.com *.kafka.*.amazonaws.com server.transfer.*.amazonaws.com *.cloud9.*.amazonaws.com",
        "*.cs.amazonlightsail.com cloudfront.net elasticbeanstalk.com *.elasticbeanstalk.com *.awsapprunner.com amplifyapp.com",
        "awsglobalaccelerator.com auth.*.amazoncognito.com awsapps.com studio.*.sagemaker.aws notebook.*.sagemaker.aws",
    ]

    private static let google = [
        "storage.googleapis.com commondatastorage.googleapis.com appspot.com *.r.appspot.com run.app *.run.app cloudfunctions.net",
        "firebaseapp.com web.app firebaseio.com *.firebasedatabase.app firebasestorage.app googleusercontent.com",
        "*.googleusercontent.com endpoints.*.cloud.goog gateway.dev *.gateway.dev *.prediction.vertexai.goog translate.goog blogspot.com",
    ]

    private static let hosting = [
        "github.io gitlab.io workers.dev *.workers.dev pages.dev netlify.app netlify.com vercel.app vercel.dev now.sh herokuapp.com",
        "onrender.com app.render.com up.railway.app fly.dev deno.dev deno.net glitch.me repl.co *.repl.co replit.app replit.dev *.replit.dev",
        "surge.sh hf.space *.*.endpoints.huggingface.cloud modal.run ondigitalocean.app members.linode.com *.nodebalancer.linode.com",
        "ip.linodeusercontent.com *.oraclecloudapps.com *.fc.aliyuncs.com *.edgecompute.app edgecompute.app map.fastly.net",
        "global.ssl.fastly.net freetls.fastly.net akamaized.net akamaihd.net edgekey.net edgesuite.net akamaiedge.net b-cdn.net",
        "cdn77.org kxcdn.com wordpress.com tumblr.com wixsite.com weebly.com squarespace.com webflow.io notion.site carrd.co",
        "readthedocs.io streamlit.app gradio.live pythonanywhere.com beam.cloud koyeb.app northflank.app code.run gitpod.io *.gitpod.io",
        "github.dev githubpreview.dev app.github.dev codesandbox.io csb.app stackblitz.io webcontainer.io",
    ]

    /// Tunnels to machines anywhere, names for any address, and catchers of requests.
    private static let tunnels = [
        "ngrok.io *.ngrok.io ngrok.app *.ngrok.app ngrok-free.app *.ngrok-free.app ngrok.dev ngrok-free.dev trycloudflare.com",
        "cfargotunnel.com loca.lt localhost.run lhr.life serveo.net pinggy.link *.pinggy.link bore.pub telebit.io tailscale.ts.net",
        "ts.net *.ts.net duckdns.org ddns.net hopto.org zapto.org sytes.net dyndns.org dynu.net freeddns.org nip.io sslip.io xip.io",
        "traefik.me lvh.me m.pipedream.net requestcatcher.com free.beeceptor.com webhook.site interact.sh oast.fun oast.pro",
        "oast.live oast.site oast.online oast.me oastify.com burpcollaborator.net dnslog.cn",
    ]

    private static let storage = [
        "r2.dev r2.cloudflarestorage.com *.r2.cloudflarestorage.com digitaloceanspaces.com *.digitaloceanspaces.com linodeobjects.com",
        "*.linodeobjects.com vultrobjects.com *.vultrobjects.com s3.*.backblazeb2.com s3.wasabisys.com s3.*.wasabisys.com",
        "compat.objectstorage.*.oraclecloud.com oss-*.aliyuncs.com cos.*.myqcloud.com s3.*.scw.cloud *.storage.yandexcloud.net",
        "storage.yandexcloud.net obs.*.myhuaweicloud.com *.cloud.ovh.net s3.*.perf.cloud.ovh.net",
    ]

    private static let services = [
        "cloudflare-gateway.com cloudflareaccess.com supabase.co supabase.in supabase.net *.neon.tech *.*.neon.tech psdb.cloud",
        "*.cockroachlabs.cloud *.mongodb.net mongodb.net upstash.io *.elastic-cloud.com *.*.elastic-cloud.com *.cloud.es.io *.*.cloud.es.io",
        "*.cloud.qdrant.io *.svc.pinecone.io svc.*.pinecone.io pinecone.io weaviate.network *.weaviate.cloud *.vectordb.zillizcloud.com",
        "snowflakecomputing.com *.snowflakecomputing.com cloud.databricks.com gcp.databricks.com ingest.sentry.io ingest.*.sentry.io",
        "grafana.net splunkcloud.com atlassian.net slack.com zendesk.com freshdesk.com myshopify.com my.salesforce.com *.my.salesforce.com",
        "my.site.com force.com service-now.com okta.com oktapreview.com auth0.com *.auth0.com onelogin.com jfrog.io",
    ]

    /// Second-level suffixes of registries that are met most; the whole list is the public suffix list's.
    private static let registries = [
        "co.uk org.uk ac.uk me.uk com.au net.au org.au co.nz co.jp or.jp ne.jp com.br net.br co.in co.kr com.cn net.cn com.mx co.za",
        "com.sg com.tr com.tw com.hk com.ar com.co com.ua com.pl com.my co.id co.il co.th com.vn",
    ]
}
