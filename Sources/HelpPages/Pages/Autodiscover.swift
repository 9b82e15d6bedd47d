import Configuration
import MailSyntax
import WebPages

/// The answer to Outlook ([MS-OXDSCLI], the schema for POP3, IMAP and SMTP servers).
enum Autodiscover {
  /// The address Outlook asks for: the text of the first `EMailAddress` element.
  static func address(in body: [UInt8]) -> String? {
    let lower = body.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    guard let open = end(of: "<emailaddress>", in: lower[...]),
      let close = lower[open...].firstIndex(of: UInt8(ascii: "<")),
      let text = String(validating: body[open..<close], as: UTF8.self)
    else { return nil }
    let address = text.trimmed
    return address.isEmpty || address.utf8.count > 320 ? nil : address
  }

  private static func end(of part: StaticString, in octets: ArraySlice<UInt8>) -> Int? {
    let wanted = Array(part.description.utf8)
    return octets.indices.first { octets[$0...].starts(with: wanted) }.map { $0 + wanted.count }
  }

  static func document(_ address: EmailAddress, _ settings: HelpPagesSettings) -> String {
    var protocols = ""
    for server in best(settings.clients) { protocols += element(server, login: address.description) }
    return """
      <?xml version="1.0" encoding="utf-8"?>
      <Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
        <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
          <Account>
            <AccountType>email</AccountType>
            <Action>settings</Action>
      \(protocols)    </Account>
        </Response>
      </Autodiscover>

      """
  }

  /// The first server of each type: Outlook takes one.
  private static func best(_ clients: ClientSettings) -> [ClientSettings.Server] {
    var seen: Set<String> = []
    return (clients.incoming + clients.outgoing).filter { seen.insert($0.type).inserted }
  }

  private static func element(_ server: ClientSettings.Server, login: String) -> String {
    let encryption =
      switch server.security {
      case .tls: "SSL"
      case .startTLS: "TLS"
      case .none: "None"
      }
    return """
            <Protocol>
              <Type>\(server.type.uppercased())</Type>
              <Server>\(server.host.escaped)</Server>
              <Port>\(server.port)</Port>
              <DomainRequired>off</DomainRequired>
              <LoginName>\(login.escaped)</LoginName>
              <SPA>off</SPA>
              <SSL>\(server.security == .tls ? "on" : "off")</SSL>
              <Encryption>\(encryption)</Encryption>
              <AuthRequired>on</AuthRequired>
            </Protocol>

      """
  }
}
