import Glibc

/// Looking at source and target before anything is changed.
extension MailImport {
  /// Reads every directory and list once; afterwards `folders` tells what there is to do.
  func survey() throws {
    do {
      try catalog.database.transaction { for folder in source.folders { folders.append(try survey(folder)) } }
    } catch let error as DatabaseError { throw error.asStoreError }
  }

  private func survey(_ folder: SourceFolder) throws -> ImportedFolder {
    var report = ImportedFolder(name: folder.name)
    let number = try catalog.number(of: folder.name)
    guard let directory = root.directory(folder.way) else {
      refuse("\(root.path)/\(folder.way.joined(separator: "/"))", "it cannot be opened", &report)
      return report
    }
    let list = try SourceUIDs.read(directory)
    if folder.name.isInbox { uniqueIDs = try chooseUniqueIDs(directory, list) }
    try readFiles(number, directory, &report)
    try readTarget(number, folder.name)
    if let list { try readUIDs(number, list, folder.name) }
    if let keywords = CourierKeywords(directory) {
      try keywords.forEach { try catalog.note(number, base: Array($0), keywords: $1) }
    }
    if folder.name.isInbox { try readUniqueIDs(number, directory) }
    let totals = try catalog.totals(number)
    report.messages = totals.messages + report.refused
    (report.added, report.addedBytes, report.known) = (totals.new, totals.newBytes, totals.known)
    report.gone = totals.gone
    if let known = numbers[folder.name] {
      numbers[folder.name] = (known.uidValidity, max(known.uidNext, totals.highestUID &+ 1))
    }
    return report
  }

  /// Notes the files of `new/`, then of `cur/`: one that moves meanwhile is seen in both, and where it moved counts.
  private func readFiles(_ number: Int64, _ directory: SourceDirectory, _ report: inout ImportedFolder) throws {
    for (part, inNew) in [("new", true), ("cur", false)] {
      guard let files = directory.directory(part) else { continue }
      try files.forEachName { name in
        guard let first = name.first, first != UInt8(ascii: "."), first != UInt8(ascii: ":") else { return }
        guard let facts = files.facts(name) else { return }
        let path = "\(files.path)/\(String(decoding: name, as: UTF8.self))"
        guard facts.st_mode & S_IFMT == S_IFREG else {
          refuse(path, "no file; symbolic links are not followed", &report)
          return
        }
        guard facts.st_size > 0 else {
          refuse(path, "the message is empty", &report)
          return
        }
        let parsed = name.withUnsafeBytes { MaildirName($0, inNew: inNew) }
        // qmail's POP3 server lists by the files' dates, everybody else by their names.
        let arrival =
          report.name.isInbox && uniqueIDs == .fileName ? Int64(facts.st_mtim.tv_sec) : Int64(clamping: parsed.order)
        try catalog.add(
          number, base: Array(name[..<parsed.baseCount]), info: Array(name.dropFirst(parsed.baseCount + 1)),
          name: parsed, inNew: inNew, size: Int64(facts.st_size), arrival: arrival)
      }
    }
  }

  /// Notes what lies in the folder already, and which of it the index knows.
  private func readTarget(_ number: Int64, _ name: MailboxName) throws {
    let path = try store.path(name)
    guard FileSystem.exists(path + "/cur") else { return }
    for (part, inNew) in [("new", true), ("cur", false)] {
      let files = try SourceDirectory("\(path)/\(part)")
      try files.forEachName { fileName in
        guard let first = fileName.first, first != UInt8(ascii: "."), first != UInt8(ascii: ":") else { return }
        let base = Array(fileName.prefix { $0 != UInt8(ascii: ":") })
        try catalog.noteTarget(number, fileName: fileName, base: base, inNew: inNew) {
          files.facts(fileName).map { Int64($0.st_size) }
        }
      }
    }
    guard let index, let row = try index.folder(name) else { return }
    try index.forEachPage(row) { view in
      for position in view.records.indices {
        try catalog.noteIndexed(
          number, base: view.names.withBase(position) { Array($0) }, uid: view.records[position].uid)
      }
    }
  }

  private func readUIDs(_ number: Int64, _ list: SourceUIDs, _ name: MailboxName) throws {
    numbers[name] = (list.uidValidity, list.uidNext)
    var keepsGUID = false
    if name.isInbox, case .dovecot = uniqueIDs { keepsGUID = true }
    while let entry = try list.next() { try catalog.note(number, entry, keepsGUID: keepsGUID) }
    _ = try catalog.makeUnique(number, .uid)
  }

  /// Which unique ids the source's POP3 server gave.
  private func chooseUniqueIDs(_ inbox: SourceDirectory, _ list: SourceUIDs?) throws -> UniqueIDOrigin {
    var chosen = options.uniqueIDs
    if chosen == .automatic {
      let courier = inbox.facts(Array("courierpop3dsizelist".utf8))
      let dovecot = inbox.facts(Array("dovecot-uidlist".utf8))
      let isCourier = courier.map { $0.st_mtim.tv_sec >= dovecot?.st_mtim.tv_sec ?? 0 } ?? false
      chosen = isCourier ? .courier : list?.isDovecot == true ? .dovecot(nil) : .fileName
      let other = courier != nil && dovecot != nil
      if other {
        warn(
          "INBOX has the lists of Courier's and of Dovecot's POP3 server; the newer one is believed; "
            + "choose by --uidl courier or --uidl dovecot")
      }
    }
    guard case .dovecot(let given) = chosen else { return chosen }
    // What the list says was in force whatever the server was set to later.
    guard let text = list?.uniqueIDFormat, !text.isEmpty else { return .dovecot(given ?? .standard) }
    if let format = UniqueIDFormat(text) { return .dovecot(format) }
    if given == nil {
      warn("dovecot-uidlist names a format of unique ids that cannot be made here: \(text); say --uidl dovecot=FORMAT")
    }
    return .dovecot(given ?? .standard)
  }

  private func readUniqueIDs(_ number: Int64, _ inbox: SourceDirectory) throws {
    if uniqueIDs == .courier {
      guard var list = try CourierPOP3List(inbox) else {
        warn("INBOX has no courierpop3dsizelist that makes sense; its unique ids are not known")
        return
      }
      try catalog.forgetUniqueIDs(number)
      while let (base, id) = try list.next() { try catalog.note(number, base: Array(base), uniqueID: id) }
    } else if case .dovecot = uniqueIDs {
    } else {
      try catalog.forgetUniqueIDs(number)
    }
    let twice = try catalog.makeUnique(number, .uniqueID)
    if twice > 0 { warn("\(twice) messages of INBOX have a unique id that another one has; they get new ones") }
  }
}

extension Index {
  /// Gives each page of a folder as a view of its own, by rising UID.
  func forEachPage(_ row: FolderRow, _ body: (FolderView) throws -> Void) throws {
    let statement = try database.statement("SELECT id, records FROM page WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
      .bind(1, row.id << 32).bind(2, row.id << 32 | 0xffff_ffff)
    defer { statement.reset() }
    while try statement.step() {
      let view = FolderView(row: row, path: "")
      let page = UInt32(truncatingIfNeeded: statement.integer(0))
      guard statement.withBlob(1, { PageCodec.decode($0, page: page, into: view) }) else {
        throw DatabaseError(code: 11, text: "a page of \(row.name) makes no sense; see: martinet mailbox rebuild")
      }
      try body(view)
    }
  }
}
