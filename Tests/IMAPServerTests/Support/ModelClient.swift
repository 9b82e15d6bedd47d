import Testing
import WireTesting

@testable import IMAPServer

/// A client that believes what it is told and complains when two tellings do not fit (imaptest's idea).
final class ModelClient {
  /// One message as this client knows it.
  struct Message: Equatable {
    var uid: Int?
    var flags: Set<String>?
    var modSeq: Int?
  }

  let client: IMAPTestClient
  let name: String
  private(set) var messages: [Message] = []
  private(set) var uidValidity: Int?
  /// What it has heard lately, for the report of a contradiction.
  private var heard: [String] = []
  private(set) var contradictions: [String] = []

  init(_ client: IMAPTestClient, name: String) {
    self.client = client
    self.name = name
  }

  /// Starts from what an earlier session knew (QRESYNC), or from nothing.
  func select(_ mailbox: String, _ parameters: String = "", knowing known: [Message]? = nil) async throws {
    messages = known ?? []
    heard = []
    let lines = try await client.run("SELECT \(mailbox)\(parameters)")
    for line in lines {
      // Whoever comes back hears the number before what has gone and what is new.
      if known != nil, line.hasSuffix(" EXISTS") { continue }
      take(line, during: "SELECT")
    }
    guard lines.last?.contains(" OK ") == true else { return complain("not selected") }
    guard lines.contains("* \(messages.count) EXISTS") else { return complain("\(messages.count) were not told of") }
  }

  /// Runs a command and takes in all it brings; gives the tagged line.
  @discardableResult
  func run(_ command: String) async throws -> String {
    heard.append("C: \(command.prefix(80))")
    applySilently(command)
    let lines = try await client.run(command)
    for line in lines { take(line, during: command) }
    return lines.last ?? ""
  }

  /// Listens for a moment with IDLE.
  func idle() async throws {
    try await client.wire.sendLine("idle IDLE")
    while true {
      let line = try await client.response()
      if line.hasPrefix("+ ") { break }
      take(line, during: "IDLE")
    }
    try await client.wire.sendLine("DONE")
    for line in try await client.answer("idle") { take(line, during: "IDLE") }
  }

  /// What a client computes itself that asked for silence.
  private func applySilently(_ command: String) {
    let words = command.split(separator: " ").map(String.init)
    guard let verb = words.firstIndex(of: "+FLAGS.SILENT"), verb + 1 < words.count else { return }
    let flag = String(words[verb + 1].dropFirst().dropLast())
    let number = words[0] == "UID" ? nil : Int(words[1])
    for index in messages.indices where number == nil || number == index + 1 {
      if messages[index].flags != nil { messages[index].flags?.insert(flag) }
    }
  }

  func complain(_ text: String) {
    contradictions.append("\(name): \(text)\n  " + heard.suffix(60).joined(separator: "\n  "))
  }

  private func take(_ line: String, during command: String) {
    heard.append("S: \(line.prefix(120))")
    if heard.count > 200 { heard.removeFirst(150) }
    if line.hasPrefix("* VANISHED ") { return vanished(line) }
    if line.hasPrefix("* OK [UIDVALIDITY ") { uidValidity = value("UIDVALIDITY ", in: line) }
    let words = line.split(separator: " ", maxSplits: 3).map(String.init)
    guard words.count >= 3, words[0] == "*", let number = Int(words[1]) else {
      if line.contains(" BAD ") { complain("BAD for \(command)") }
      if line.contains(" NO "), !line.contains("[EXPUNGEISSUED]") { complain("NO for \(command)") }
      return
    }
    switch words[2] {
    case "EXISTS":
      if number < messages.count { complain("EXISTS \(number) below \(messages.count)") }
      while messages.count < number { messages.append(Message()) }
    case "EXPUNGE":
      let plain = ["FETCH", "STORE", "SEARCH"].contains { command.hasPrefix($0) }
      if plain { complain("EXPUNGE during \(command)") }
      guard number >= 1, number <= messages.count else { return complain("EXPUNGE \(number) of \(messages.count)") }
      messages.remove(at: number - 1)
    case "FETCH": fetched(number, words.count > 3 ? words[3] : "", during: command)
    default: break
    }
  }

  /// `* VANISHED [(EARLIER)] 1:3,7`.
  private func vanished(_ line: String) {
    let isEarlier = line.contains("(EARLIER)")
    let set = line.split(separator: " ").last ?? ""
    for range in set.split(separator: ",") {
      let ends = range.split(separator: ":").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last else { return complain("VANISHED of nothing") }
      for uid in first...last {
        if let known = messages.firstIndex(where: { $0.uid == uid }) {
          messages.remove(at: known)
        } else if !isEarlier {
          // One that came and went before its UID was told: it was somewhere between its neighbours.
          let start = messages.lastIndex { ($0.uid ?? .max) < uid }.map { $0 + 1 } ?? 0
          guard start < messages.count, messages[start].uid == nil else {
            complain("VANISHED \(uid), which was never here")
            continue
          }
          messages.remove(at: start)
        }
      }
    }
  }

  private func fetched(_ number: Int, _ text: String, during command: String) {
    if command == "SELECT", let uid = value("UID ", in: text), messages.allSatisfy({ $0.uid != uid }) {
      // QRESYNC tells of new messages at once.
      messages.append(Message(uid: uid))
    }
    guard number >= 1, number <= messages.count else { return complain("FETCH \(number) of \(messages.count)") }
    var message = messages[number - 1]
    if let uid = value("UID ", in: text) {
      if let known = message.uid, known != uid { complain("UID of \(number) was \(known), now \(uid)") }
      message.uid = uid
      let before = messages[..<(number - 1)].last { $0.uid != nil }?.uid ?? 0
      if before >= uid { complain("UID \(uid) at \(number) is not above \(before)") }
    }
    if let open = text.range(of2: "FLAGS ("), let end = text[open...].firstIndex(of: ")") {
      message.flags = Set(text[open..<end].split(separator: " ").map(String.init)).subtracting(["\\Recent"])
    }
    if let modSeq = value("MODSEQ (", in: text) {
      if let known = message.modSeq, modSeq < known { complain("MODSEQ of \(number) was \(known), now \(modSeq)") }
      if modSeq == message.modSeq, let known = messages[number - 1].flags, message.flags != known {
        complain("flags of \(number) were \(known.sorted()), now \(message.flags ?? []), all under MODSEQ \(modSeq)")
      }
      message.modSeq = modSeq
    }
    messages[number - 1] = message
  }

  func value(_ key: String, in text: String) -> Int? {
    guard let start = text.range(of2: key) else { return nil }
    return Int(text[start...].prefix { $0.isNumber })
  }
}

extension String {
  /// The index behind the first occurrence of a text.
  fileprivate func range(of2 text: String) -> String.Index? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(text) { return self.index(index, offsetBy: text.count) }
      index = self.index(after: index)
    }
    return nil
  }
}
