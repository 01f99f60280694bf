-- name: add_dossier
INSERT INTO dossiers (kind, id, version, standing, subject, party, cause, secret, body)
VALUES (:kind, :id, :version, :standing, :subject, :party, :cause, :secret, :body) ON CONFLICT (kind, id) DO NOTHING

-- name: change_dossier
UPDATE dossiers SET version = :version, standing = :standing, subject = :subject, party = :party, cause = :cause,
    secret = :secret, body = :body
WHERE kind = :kind AND id = :id AND version = :version - 1

-- name: add_dossier_entity
INSERT INTO dossier_entities (kind, entity, id) VALUES (:kind, :entity, :id) ON CONFLICT (kind, entity, id) DO NOTHING

-- name: dossier
SELECT body FROM dossiers WHERE kind = :kind AND id = :id

-- name: dossiers_naming
SELECT d.body FROM dossier_entities e JOIN dossiers d ON d.kind = e.kind AND d.id = e.id
WHERE e.kind = :kind AND e.entity = :entity AND e.id > :past ORDER BY e.id LIMIT :limit

-- name: add_file_page
INSERT INTO file_pages (record, number, at_us, what, body) VALUES (:record, :number, :at_us, :what, :body)

-- name: file_pages
SELECT body FROM file_pages WHERE record = :record ORDER BY number

-- name: add_bundle
INSERT INTO bundles (id, record, body) VALUES (:id, :record, :body) ON CONFLICT (id) DO NOTHING

-- name: bundle
SELECT body FROM bundles WHERE id = :id

-- name: add_bundle_part
INSERT INTO bundle_parts (id, number, body) VALUES (:id, :number, :body) ON CONFLICT (id, number) DO NOTHING

-- name: bundle_part
SELECT body FROM bundle_parts WHERE id = :id AND number = :number
