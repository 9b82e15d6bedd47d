import Basics
import RelayAccess

extension POP3Session {
  /// CAPA (RFC 2449 section 5): what can be used now, no more.
  func capabilities() async {
    var lines = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UTF8 USER", "LANG"]
    if maildrop == nil {
      if connection.canStartTLS, connection.tls == nil { lines.append("STLS") }
      if mayUsePassword { lines.append("USER") }
      let names = mechanisms.names
      if !names.isEmpty { lines.append("SASL \(names.joined(separator: " "))") }
    }
    if let delay = await loginDelay() { lines.append(delay) }
    lines.append("EXPIRE \(settings.expireDays.map(String.init) ?? "NEVER")")
    if let name = settings.implementation { lines.append("IMPLEMENTATION \(name)") }
    ok(.capabilities)
    connection.write(lines.map { "\($0)\r\n" }.joined() + ".\r\n")
  }

  /// LOGIN-DELAY (RFC 2449 section 6.5): the account's own after login; before it the largest of all, marked `USER` when
  /// accounts differ.
  private func loginDelay() async -> String? {
    let relay = service.relay
    if let maildrop {
      let own = Self.seconds(relay.popDelay(of: maildrop.account))
      return own > 0 ? "LOGIN-DELAY \(own)" : nil
    }
    let (delay, differs) = (try? await relay.largestPopDelay()) ?? (relay.settings.popThrottle.delay, true)
    guard delay > .zero else { return nil }
    return "LOGIN-DELAY \(Self.seconds(delay))\(differs ? " USER" : "")"
  }

  private static func seconds(_ duration: Duration) -> Int64 { (duration.wholeMilliseconds + 999) / 1000 }
}
