import Basics

/// A name server as the configuration writes it: `192.0.2.53`, `127.0.0.1:5353`, `::1`, `[::1]:5353`.
struct ForwardAddress {
  let address: IPAddress
  let port: Int

  init?(_ text: String) {
    if let address = IPAddress(text) {
      self.address = address
      port = 53
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (1...65_535).contains(port), let address = IPAddress(text[..<colon])
    else { return nil }
    let host = text[..<colon]
    if case .v6 = address, !host.hasPrefix("[") { return nil }
    self.address = address
    self.port = port
  }

  /// `127.0.0.1@5353`.
  var unboundForm: String { "\(address)@\(port)" }
}
