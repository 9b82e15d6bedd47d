import Configuration
import MailSyntax
import WebPages

/// The answer to Thunderbird, Evolution, K-9 and their kin (Mozilla's autoconfig, config-v1.1.xml).
enum Autoconfig {
  static func document(_ domain: MailDomain, _ settings: HelpPagesSettings) -> String {
    var servers = ""
    for server in settings.clients.incoming { servers += element("incomingServer", server) }
    for server in settings.clients.outgoing { servers += element("outgoingServer", server) }
    let name = domain.ascii.escaped
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <clientConfig version="1.1">
        <emailProvider id="\(settings.hostname.escaped)">
          <domain>\(name)</domain>
          <displayName>\(name)</displayName>
          <displayShortName>\(name)</displayShortName>
      \(servers)  </emailProvider>
      </clientConfig>

      """
  }

  private static func element(_ name: String, _ server: ClientSettings.Server) -> String {
    let socket =
      switch server.security {
      case .tls: "SSL"
      case .startTLS: "STARTTLS"
      case .none: "plain"
      }
    return """
          <\(name) type="\(server.type)">
            <hostname>\(server.host.escaped)</hostname>
            <port>\(server.port)</port>
            <socketType>\(socket)</socketType>
            <authentication>password-cleartext</authentication>
            <username>%EMAILADDRESS%</username>
          </\(name)>

      """
  }
}
