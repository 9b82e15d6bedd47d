import Basics

/// The form in which a firewall reads the blacklist.
package enum FirewallForm: String, Sendable, CaseIterable {
  /// A table of nftables, for `nft -f` or an `include`.
  case nft
  /// Sets for `ipset restore`.
  case ipset
}

/// The blacklist as a firewall reads it: new SMTP connections of the networks on it are dropped.
package struct FirewallList: Sendable, Equatable {
  /// What the text was made of; the same mark means the same text, until `end`.
  package struct Mark: Sendable, Equatable {
    let generation: Int64
    /// When the next entry or exemption runs out.
    let end: Timestamp?
  }

  /// The file's text.
  package let text: String
  /// What it was made of.
  package let mark: Mark
}

/// Writes the lists of one moment in one form.
struct FirewallText {
  let blocked: [IPNetwork]
  let exempt: [IPNetwork]
  /// The SMTP ports of this host.
  let ports: [Int]
  let hostname: String

  private static let families: [(width: Int, digit: String)] = [(32, "4"), (128, "6")]

  func text(_ form: FirewallForm) -> String {
    switch form {
    case .nft: nft
    case .ipset: ipset
    }
  }

  private func names(_ networks: [IPNetwork], _ width: Int) -> [String] {
    networks.filter { $0.address.bitWidth == width }.map(\.description).sorted()
  }

  /// One transaction that replaces the table; what is under way goes on and ends with its 421.
  private var nft: String {
    var lines = [
      "# The blacklist of \(hostname), written by Martinet at every change. Load it with: nft -f FILE",
      "table inet martinet", "delete table inet martinet", "table inet martinet {",
    ]
    for (name, networks) in [("exempt", exempt), ("blacklist", blocked)] {
      for (width, digit) in Self.families {
        let members = names(networks, width)
        let elements = members.isEmpty ? "" : " elements = { \(members.joined(separator: ", ")) }"
        lines.append(
          "  set \(name)\(digit) { type ipv\(digit)_addr; flags interval; auto-merge;\(elements) }")
      }
    }
    let ports = ports.map(String.init).joined(separator: ", ")
    lines += [
      "  chain smtp {", "    type filter hook input priority filter; policy accept;",
      "    ct state established,related accept", "    tcp dport != { \(ports) } accept",
      "    meta l4proto != tcp accept", "    ip saddr @exempt4 accept", "    ip6 saddr @exempt6 accept",
      "    ip saddr @blacklist4 drop", "    ip6 saddr @blacklist6 drop", "  }", "}",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// Sets that are filled aside and then take the place of those in use.
  private var ipset: String {
    let ports = ports.map(String.init).joined(separator: ",")
    var lines = [
      "# The blacklist of \(hostname), written by Martinet at every change. Load it with: ipset restore -file FILE",
      "# iptables -I INPUT -p tcp -m multiport --dports \(ports) -m conntrack --ctstate NEW "
        + "-m set --match-set martinet4 src -j DROP",
    ]
    for (width, digit) in Self.families {
      let create = "hash:net family inet\(digit == "4" ? "" : "6") maxelem 1048576 -exist"
      lines += [
        "create martinet\(digit) \(create)", "create martinet\(digit)-new \(create)", "flush martinet\(digit)-new",
      ]
      lines += names(blocked, width).map { "add martinet\(digit)-new \($0) -exist" }
      // These sets know no network of all addresses; where that is exempt, nothing is blocked.
      lines += names(exempt.filter { $0.prefix > 0 }, width).map { "add martinet\(digit)-new \($0) nomatch -exist" }
      lines += ["swap martinet\(digit)-new martinet\(digit)", "destroy martinet\(digit)-new"]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension RelayAccess {
  /// The blacklist for a firewall (`limits.silence: export`, `blacklist export`).
  ///
  /// - Parameters:
  ///   - ports: the SMTP ports that are closed to those on the list.
  ///   - known: the mark of a text at hand; nothing is made when it still holds.
  /// - Returns: `nil` when `known` still holds.
  /// - Throws: the database's error.
  package func firewallList(
    _ form: FirewallForm, ports: [Int], unless known: FirewallList.Mark? = nil
  ) async throws -> FirewallList? {
    let image = try await refreshBlacklist()
    let now = time.now
    if let known, known.generation == image.generation, known.end.map({ $0 > now }) ?? true { return nil }
    let exemptions = image.exemptions.filter { $0.until > now }
    let exempt = exemptions.map(\.net) + settings.limits.exemptNetworks
    let live = image.entries.values.filter { entry in
      (entry.expires.map { $0 > now } ?? true)
        && !exempt.contains { $0.prefix <= entry.net.prefix && $0.contains(entry.net.address) }
    }
    let ends = live.compactMap(\.expires) + exemptions.map(\.until)
    let text = FirewallText(
      blocked: live.map(\.net), exempt: exempt, ports: ports.isEmpty ? [25] : ports, hostname: settings.node)
    return FirewallList(
      text: text.text(form), mark: FirewallList.Mark(generation: image.generation, end: ends.min()))
  }
}
