import Basics
import Yams

/// Collects faults while a file is read, so that `config check` can list all of them at once.
final class FaultList {
  let file: String
  private(set) var faults: [ConfigurationFault] = []

  init(file: String) { self.file = file }

  func add(_ text: String, at node: Node?) {
    faults.append(ConfigurationFault(file: file, line: node?.mark?.line ?? 0, text: text))
  }
}

/// Reads the keys of one mapping; what is never asked for is an unknown key.
final class SettingsReader {
  let path: String
  private let node: Node?
  private var entries: [String: Node] = [:]
  private var keyNodes: [String: Node] = [:]
  private var asked: [String] = []
  let faults: FaultList

  init(_ node: Node?, path: String, faults: FaultList) {
    self.node = node
    self.path = path
    self.faults = faults
    guard let node else { return }
    guard let mapping = node.mapping else {
      if node.scalar?.string.isEmpty != true || path.isEmpty {
        faults.add("\(path.isEmpty ? "the file" : "\"\(path)\"") must hold keys and values", at: node)
      }
      return
    }
    for (key, value) in mapping {
      guard let name = key.string else {
        faults.add("a key must be text", at: key)
        continue
      }
      if entries[name] != nil { faults.add("the key \"\(full(name))\" stands twice", at: key) }
      entries[name] = value
      keyNodes[name] = key
    }
  }

  /// Reports every key that nobody asked for, with the nearest known one.
  func finish() {
    for (name, key) in keyNodes where !asked.contains(name) {
      let near = nearest(to: name, among: asked)
      let hint = near.map { "; did you mean \"\($0)\"?" } ?? "; known here: \(asked.sorted().joined(separator: ", "))"
      faults.add("unknown key \"\(full(name))\"\(hint)", at: key)
    }
  }

  func node(_ name: String) -> Node? {
    if !asked.contains(name) { asked.append(name) }
    guard let value = entries[name] else { return nil }
    if case .null = resolved(value) { return nil }
    return value
  }

  func section(_ name: String) -> SettingsReader {
    SettingsReader(node(name), path: full(name), faults: faults)
  }

  /// The mappings of a list.
  func sections(_ name: String) -> [SettingsReader] {
    guard let value = node(name) else { return [] }
    guard let sequence = value.sequence else {
      fault(name, "must be a list", value)
      return []
    }
    return sequence.enumerated().map { SettingsReader($1, path: "\(full(name))[\($0 + 1)]", faults: faults) }
  }

  /// The keys of this mapping, for sections whose keys are names of the administrator's own.
  var names: [String] { keyNodes.sorted { ($0.value.mark?.line ?? 0) < ($1.value.mark?.line ?? 0) }.map(\.key) }

  func string(_ name: String) -> String? {
    guard let value = node(name) else { return nil }
    guard let text = value.scalar?.string else {
      fault(name, "must be text", value)
      return nil
    }
    return text
  }

  func string(_ name: String, default fallback: String, oneOf allowed: [String]) -> String {
    guard let value = node(name) else { return fallback }
    guard let text = value.scalar?.string, allowed.contains(text) else {
      fault(name, "must be one of \(allowed.joined(separator: ", "))", value)
      return fallback
    }
    return text
  }

  func bool(_ name: String, default fallback: Bool) -> Bool {
    guard let value = node(name) else { return fallback }
    switch value.scalar?.string.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default:
      fault(name, "must be true or false", value)
      return fallback
    }
  }

  func integer(_ name: String, default fallback: Int, in range: ClosedRange<Int>) -> Int {
    guard let value = node(name) else { return fallback }
    guard let text = value.scalar?.string, let number = Int(text) else {
      fault(name, "must be a whole number", value)
      return fallback
    }
    guard range.contains(number) else {
      fault(name, "is \(number), but must lie between \(range.lowerBound) and \(range.upperBound)", value)
      return fallback
    }
    return number
  }

  func size(_ name: String, default fallback: Int64, in range: ClosedRange<Int64>) -> Int64 {
    guard let value = node(name) else { return fallback }
    guard let text = value.scalar?.string, let size = ByteSize(text) else {
      fault(name, "must be a size such as 10240000, 25M or 2G", value)
      return fallback
    }
    guard range.contains(size.bytes) else {
      fault(
        name, "is \(text), but must lie between \(ByteSize(range.lowerBound)) and \(ByteSize(range.upperBound))", value)
      return fallback
    }
    return size.bytes
  }

  func duration(_ name: String, default fallback: Duration, in range: ClosedRange<Duration>) -> Duration {
    guard let value = node(name) else { return fallback }
    guard let text = value.scalar?.string, let duration = Duration(setting: text) else {
      fault(name, "must be a duration such as 0s, 90s, 15m, 1h or 24h", value)
      return fallback
    }
    guard range.contains(duration) else {
      fault(
        name, "is \(text), but must lie between \(range.lowerBound.setting) and \(range.upperBound.setting)", value)
      return fallback
    }
    return duration
  }

  func durations(
    _ name: String, default fallback: [Duration], in range: ClosedRange<Duration>
  ) -> [Duration] {
    guard let value = node(name) else { return fallback }
    return strings(name).compactMap { text in
      guard let duration = Duration(setting: text), range.contains(duration) else {
        fault(
          name,
          "holds \"\(text)\"; write durations between \(range.lowerBound.setting) and \(range.upperBound.setting)",
          value)
        return nil
      }
      return duration
    }
  }

  func strings(_ name: String, default fallback: [String] = []) -> [String] {
    guard let value = node(name) else { return fallback }
    if let scalar = value.scalar { return scalar.string.isEmpty ? [] : [scalar.string] }
    guard let sequence = value.sequence else {
      fault(name, "must be a list", value)
      return fallback
    }
    return sequence.compactMap { item in
      guard let text = item.scalar?.string else {
        fault(name, "must be a list of texts", item)
        return nil
      }
      return text
    }
  }

  func addresses(_ name: String) -> [IPAddress] {
    guard let value = node(name) else { return [] }
    return strings(name).compactMap { text in
      guard let address = IPAddress(text) else {
        fault(name, "holds \"\(text)\", which is no IP address", value)
        return nil
      }
      return address
    }
  }

  func networks(_ name: String, default fallback: [IPNetwork] = []) -> [IPNetwork] {
    guard let value = node(name) else { return fallback }
    return strings(name).compactMap { text in
      guard let network = IPNetwork(text) else {
        fault(name, "holds \"\(text)\", which is no network; write 192.0.2.0/24 or 2001:db8::/32", value)
        return nil
      }
      return network
    }
  }

  func fault(_ name: String, _ text: String, _ node: Node?) {
    faults.add("\"\(full(name))\" \(text)", at: node ?? keyNodes[name])
  }

  private func full(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  private enum Resolved { case null, other }
  private func resolved(_ node: Node) -> Resolved {
    guard let scalar = node.scalar, scalar.style != .singleQuoted, scalar.style != .doubleQuoted else { return .other }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string) ? .null : .other
  }
}

/// The candidate with the smallest edit distance, when it is near enough to be a slip of the keyboard.
func nearest(to name: String, among candidates: [String]) -> String? {
  let scored = candidates.map { ($0, editDistance(Array(name.utf8), Array($0.utf8))) }
  guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(2, name.utf8.count / 3) else { return nil }
  return best.0
}

private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  guard left.count < 100, right.count < 100 else { return .max }
  var row = Array(0...right.count)
  for (i, a) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, b) in right.enumerated() {
      let cost = min(row[j] + 1, row[j + 1] + 1, diagonal + (a == b ? 0 : 1))
      diagonal = row[j + 1]
      row[j + 1] = cost
    }
  }
  return row[right.count]
}
