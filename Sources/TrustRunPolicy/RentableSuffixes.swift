// SPDX-License-Identifier: Apache-2.0

/// Suffixes under which anybody can get a name of their own for the asking: a tenant's storage account, bucket, app, tunnel, subdomain.
///
/// From the private section of the public suffix list (Debian's publicsuffix 20230209.2326-1) as far as it names clouds, hosting and tunnels,
/// and from the providers' pages, which name many data services that are not in that list. A label may be a glob where only the provider
/// chooses it: `s3.*.amazonaws.com` is one suffix for each region. What is below a tenant's own label is the tenant's, and not here.
enum RentableSuffixes {
    static let all: [[Substring]] = (microsoft + amazon + google + hosting + tunnels + storage + services + registries)
        .flatMap { group in
            group.split(separator: " ").map { suffix in suffix.split(separator: ".") }
        }

    /// learn.microsoft.com/azure/private-link/private-endpoint-dns lists the zones of data services.
    private static let microsoft = [
        "openai.azure.com cognitiveservices.azure.com services.ai.azure.com search.windows.net blob.core.windows.net",
        "dfs.core.windows.net file.core.windows.net queue.core.windows.net table.core.windows.net z*.web.core.windows.net",
        "z*.blob.storage.azure.net z*.dfs.storage.azure.net z*.file.storage.azure.net database.windows.net servicebus.windows.net",
        "redis.cache.windows.net *.redisenterprise.cache.azure.net *.redis.azure.net vault.azure.net managedhsm.azure.net azurecr.io",
        "azconfig.io documents.azure.com *.cosmos.azure.com postgres.database.azure.com mysql.database.azure.com",
        "mariadb.database.azure.com azurewebsites.net scm.azurewebsites.net *-0*.azurewebsites.net azure-mobile.net",
        "azurestaticapps.net 1.azurestaticapps.net 2.azurestaticapps.net 3.azurestaticapps.net 4.azurestaticapps.net",
        "5.azurestaticapps.net 6.azurestaticapps.net 7.azurestaticapps.net *.1.azurestaticapps.net *.2.azurestaticapps.net",
        "cloudapp.net *.cloudapp.azure.com *.azurecontainer.io *.azurecontainerapps.io azurefd.net z0*.azurefd.net azureedge.net",
        "trafficmanager.net azure-api.net azure-devices.net hcp.*.azmk8s.io workspace.*.api.azureml.ms *.instances.azureml.ms",
        "*.inference.ml.azure.com *.notebooks.azure.net *.azuredatabricks.net sql.azuresynapse.net dev.azuresynapse.net",
        "service.signalr.net webpubsub.azure.com communication.azure.com *.batch.azure.com *.eventgrid.azure.net *.kusto.windows.net",
        "azurehealthcareapis.com fhir.azurehealthcareapis.com dicom.azurehealthcareapis.com purview.azure.com",
        "*.ingest.monitor.azure.com oms.opinsights.azure.com ods.opinsights.azure.com api.*.digitaltwins.azure.net msappproxy.net",
        "vo.msecnd.net onmicrosoft.com b2clogin.com ciamlogin.com sharepoint.com crm*.dynamics.com operations.dynamics.com",
        "powerappsportals.com visualstudio.com *.devtunnels.ms",
    ]

    /// docs.aws.amazon.com/general/latest/gr names the endpoints that hold an account, a bucket or a resource.
    private static let amazon = [
        "s3.amazonaws.com s3-*.amazonaws.com s3.*.amazonaws.com s3.dualstack.*.amazonaws.com s3-website.*.amazonaws.com",
        "s3-accelerate.dualstack.amazonaws.com s3-accesspoint.*.amazonaws.com s3express-*.*.amazonaws.com s3-control.*.amazonaws.com",
        "execute-api.*.amazonaws.com appsync-api.*.amazonaws.com dkr.ecr.*.amazonaws.com ddb.*.amazonaws.com lambda-url.*.on.aws",
        "*.elb.amazonaws.com elb.*.amazonaws.com compute-1.amazonaws.com *.compute.amazonaws.com *.rds.amazonaws.com",
        "*.es.amazonaws.com *.aoss.amazonaws.com *.redshift.amazonaws.com *.redshift-serverless.amazonaws.com *.cache.amazonaws.com",
        "*.*.vpce.amazonaws.com iot.*.amazonaws.com mq.*.amazonaws.com kafka.*.amazonaws.com server.transfer.*.amazonaws.com",
        "vfs.cloud9.*.amazonaws.com *.cs.amazonlightsail.com cloudfront.net elasticbeanstalk.com us-*-*.elasticbeanstalk.com",
        "eu-*-*.elasticbeanstalk.com ap-*-*.elasticbeanstalk.com *.awsapprunner.com amplifyapp.com awsglobalaccelerator.com",
        "auth.*.amazoncognito.com awsapps.com studio.*.sagemaker.aws notebook.*.sagemaker.aws",
    ]

    private static let google = [
        "storage.googleapis.com commondatastorage.googleapis.com appspot.com *.r.appspot.com *.run.app cloudfunctions.net",
        "firebaseapp.com web.app firebaseio.com *.firebasedatabase.app firebasestorage.app googleusercontent.com",
        "bc.googleusercontent.com notebooks.googleusercontent.com cloud.goog *.gateway.dev prediction.vertexai.goog translate.goog",
        "blogspot.com",
    ]

    private static let hosting = [
        "github.io gitlab.io workers.dev pages.dev netlify.app vercel.app vercel.dev now.sh herokuapp.com onrender.com",
        "app.render.com up.railway.app fly.dev deno.dev deno.net glitch.me repl.co id.repl.co replit.app *.replit.dev surge.sh hf.space",
        "*.*.endpoints.huggingface.cloud modal.run ondigitalocean.app members.linode.com *.nodebalancer.linode.com",
        "ip.linodeusercontent.com *.oraclecloudapps.com *.fc.aliyuncs.com edgecompute.app map.fastly.net global.ssl.fastly.net",
        "freetls.fastly.net akamaized.net akamaihd.net edgekey.net edgesuite.net akamaiedge.net b-cdn.net cdn77.org kxcdn.com",
        "wordpress.com tumblr.com wixsite.com weebly.com squarespace.com webflow.io notion.site carrd.co readthedocs.io streamlit.app",
        "gradio.live pythonanywhere.com beam.cloud koyeb.app northflank.app code.run ws-*.gitpod.io github.dev githubpreview.dev",
        "app.github.dev codesandbox.io csb.app stackblitz.io webcontainer.io",
    ]

    /// Tunnels to machines anywhere, names for any address, and catchers of requests.
    private static let tunnels = [
        "ngrok.io eu.ngrok.io us.ngrok.io ap.ngrok.io au.ngrok.io sa.ngrok.io jp.ngrok.io in.ngrok.io ngrok.app eu.ngrok.app",
        "ngrok-free.app ngrok.dev ngrok-free.dev trycloudflare.com cfargotunnel.com loca.lt localhost.run lhr.life serveo.net",
        "free.pinggy.link a.free.pinggy.link bore.pub telebit.io ts.net duckdns.org ddns.net hopto.org zapto.org sytes.net dyndns.org",
        "dynu.net freeddns.org nip.io sslip.io xip.io traefik.me lvh.me m.pipedream.net requestcatcher.com free.beeceptor.com",
        "webhook.site interact.sh oast.fun oast.pro oast.live oast.site oast.online oast.me oastify.com burpcollaborator.net dnslog.cn",
    ]

    private static let storage = [
        "r2.dev r2.cloudflarestorage.com eu.r2.cloudflarestorage.com *.digitaloceanspaces.com *.linodeobjects.com *.vultrobjects.com",
        "s3.*.backblazeb2.com s3.wasabisys.com s3.*.wasabisys.com compat.objectstorage.*.oraclecloud.com oss-*.aliyuncs.com",
        "cos.*.myqcloud.com s3.*.scw.cloud storage.yandexcloud.net obs.*.myhuaweicloud.com s3.*.perf.cloud.ovh.net",
    ]

    private static let services = [
        "cloudflare-gateway.com cloudflareaccess.com supabase.co supabase.in supabase.net *.*.neon.tech psdb.cloud",
        "*.cockroachlabs.cloud mongodb.net upstash.io *.*.elastic-cloud.com *.*.cloud.es.io *.*.cloud.qdrant.io svc.*.pinecone.io",
        "weaviate.network *.*.weaviate.cloud *.vectordb.zillizcloud.com snowflakecomputing.com cloud.databricks.com",
        "*.gcp.databricks.com ingest.sentry.io ingest.*.sentry.io grafana.net splunkcloud.com atlassian.net slack.com zendesk.com",
        "freshdesk.com myshopify.com my.salesforce.com sandbox.my.salesforce.com develop.my.salesforce.com my.site.com",
        "service-now.com okta.com oktapreview.com auth0.com us.auth0.com eu.auth0.com au.auth0.com jp.auth0.com ca.auth0.com",
        "uk.auth0.com onelogin.com jfrog.io",
    ]

    /// Second-level suffixes of registries that are met most; the whole list is the public suffix list's.
    private static let registries = [
        "co.uk org.uk ac.uk me.uk com.au net.au org.au co.nz co.jp or.jp ne.jp com.br net.br co.in co.kr com.cn net.cn com.mx co.za",
        "com.sg com.tr com.tw com.hk com.ar com.co com.ua com.pl com.my co.id co.il co.th com.vn",
    ]
}
