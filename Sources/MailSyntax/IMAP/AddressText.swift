extension Envelope {
  /// The fields of addresses that SEARCH has keys for, in the order of their texts.
  package static let searchableAddresses = ["from", "to", "cc", "bcc"]

  /// The addresses of one of `searchableAddresses` as SEARCH looks at them, folded.
  ///
  /// RFC 9051 section 6.4.4 asks for the envelope structure's field, not for the header's spelling of it: each
  /// address is `name <local@host>` without quotes, comments and folding, encoded words decoded.
  ///
  /// - Parameter limit: no more addresses are added once the text has passed so many octets.
  package func searchText(_ field: Int, limit: Int = .max) -> String {
    switch field {
    case 0: Self.searchText(from, limit: limit)
    case 1: Self.searchText(to, limit: limit)
    case 2: Self.searchText(cc, limit: limit)
    default: Self.searchText(bcc, limit: limit)
    }
  }

  private static func searchText(_ addresses: [HeaderAddress], limit: Int) -> String {
    var result = ""
    var opensGroup = false
    for address in addresses {
      if result.utf8.count > limit { break }
      if address.kind == .groupEnd {
        result += ";"
        opensGroup = false
        continue
      }
      if !result.isEmpty { result += opensGroup ? " " : ", " }
      opensGroup = address.kind == .groupStart
      if opensGroup {
        result += CaseMap.fold(EncodedWord.decode(address.mailbox ?? [])) + ":"
      } else {
        result += CaseMap.fold(text(address))
      }
    }
    return result
  }

  private static func text(_ address: HeaderAddress) -> String {
    let name = address.displayName
    guard address.mailbox != nil || address.host != nil else { return name ?? "" }
    let local = String(decoding: address.mailbox ?? [], as: UTF8.self)
    let host = address.host.map { "@" + String(decoding: $0, as: UTF8.self) } ?? ""
    return (name.map { $0 + " " } ?? "") + "<\(local)\(host)>"
  }
}
