# ruff: noqa: E501  headers and rows stand as they were published
"""Promises of data.index_data: public tables work as they come, with the folders that they come with.

Headers are those of the published files; rows are invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from engine.data import answers_from_options, propose
from engine.data.index import index_data
from engine.errors import DataError
from engine.records import Answers, DataIssueKind, Question


@dataclass(frozen=True)
class Public:
    name: str
    table: str
    files: Sequence[str]
    labels: Mapping[str, str | None]  # by file
    patients: Mapping[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    finding: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


TABLES = [
    Public(
        "HAM10000_metadata.csv",
        "lesion_id,image_id,dx,dx_type,age,sex,localization\n"
        "HAM_0000118,ISIC_0027419,bkl,histo,80.0,male,scalp\n"
        "HAM_0000118,ISIC_0025030,bkl,histo,80.0,male,scalp\n"
        "HAM_0002730,ISIC_0026769,mel,histo,80.0,male,scalp\n",
        [
            "HAM10000_images_part_1/ISIC_0027419.jpg",
            "HAM10000_images_part_1/ISIC_0025030.jpg",
            "HAM10000_images_part_2/ISIC_0026769.jpg",
        ],
        {"ISIC_0027419": "bkl", "ISIC_0025030": "bkl", "ISIC_0026769": "mel"},
        patients={"ISIC_0027419": "HAM_0000118", "ISIC_0025030": "HAM_0000118"},
        says=("the same lesion_id are kept together",),
    ),
    Public(
        "HAM10000_metadata",  # as Dataverse serves it: no suffix, tabs, quoted
        '"lesion_id"\t"image_id"\t"dx"\t"dx_type"\t"age"\t"sex"\t"localization"\t"dataset"\n'
        '"HAM_0000118"\t"ISIC_0027419"\t"bkl"\t"histo"\t80.0\t"male"\t"scalp"\t"vidir_modern"\n'
        '"HAM_0000118"\t"ISIC_0025030"\t"nv"\t"histo"\t80.0\t"male"\t"scalp"\t"vidir_modern"\n',
        ["a/ISIC_0027419.jpg", "b/ISIC_0025030.jpg"],
        {"ISIC_0027419": "bkl", "ISIC_0025030": "nv"},
    ),
    Public(
        "ISIC_2019_Training_GroundTruth.csv",
        "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK\n"
        "ISIC_0000000,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
        "ISIC_0000001,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n"
        "ISIC_0000002_downsampled,0.0,0.0,0.0,0.0,1.0,0.0,0.0,0.0,0.0\n",
        [
            f"ISIC_2019_Training_Input/{name}.jpg"
            for name in ("ISIC_0000000", "ISIC_0000001", "ISIC_0000002_downsampled")
        ],
        {"ISIC_0000000": "NV", "ISIC_0000001": "MEL", "ISIC_0000002_downsampled": "BKL"},
        says=("is the one of the columns MEL, NV, BCC",),
    ),
    Public(
        "ISIC_2020_Training_GroundTruth.csv",
        "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target\n"
        "ISIC_2637011,IP_7279968,male,45.0,head/neck,unknown,benign,0\n"
        "ISIC_0015719,IP_3075186,female,45.0,upper extremity,melanoma,malignant,1\n",
        ["train/ISIC_2637011.dcm.jpg", "train/ISIC_0015719.jpg"],
        {"ISIC_2637011.dcm": "0", "ISIC_0015719": "1"},
        patients={"ISIC_0015719": "IP_3075186"},
        says=("taken from the column target; “diagnosis” and “benign_malignant” may be meant",),
    ),
    Public(
        "train.csv",  # APTOS 2019
        "id_code,diagnosis\n000c1434d8d7,2\n001639a390f0,4\n0024cdab0c1e,1\n",
        [
            "train_images/000c1434d8d7.png",
            "train_images/001639a390f0.png",
            "train_images/0024cdab0c1e.png",
            "test_images/x.png",
        ],
        {"000c1434d8d7": "2", "001639a390f0": "4", "0024cdab0c1e": "1"},
    ),
    Public(
        "trainLabels.csv",  # EyePACS
        "image,level\n10_left,0\n10_right,0\n13_left,3\n",
        ["train/10_left.jpeg", "train/10_right.jpeg", "train/13_left.jpeg"],
        {"10_left": "0", "10_right": "0", "13_left": "3"},
    ),
    Public(
        "Data_Entry_2017.csv",
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
        "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n"
        "00000001_000.png,Cardiomegaly,0,1,58,M,PA,2682,2749,0.143,0.143,\n"
        "00000001_001.png,Cardiomegaly|Emphysema,1,1,58,M,PA,2894,2729,0.143,0.143,\n"
        "00000002_000.png,No Finding,0,2,81,M,PA,2500,2048,0.171,0.171,\n"
        "00000003_000.png,Hernia,0,3,81,F,PA,2582,2991,0.143,0.143,\n",
        [
            "images_001/images/00000001_000.png",
            "images_001/images/00000001_001.png",
            "images_002/images/00000002_000.png",
            "images_002/images/00000003_000.png",
        ],
        {"00000001_000": "Cardiomegaly", "00000001_001": None, "00000002_000": "No Finding"},
        patients={"00000001_000": "1", "00000001_001": "1", "00000002_000": "2"},
        says=("is multi-label: of 4 rows 1 has several findings",),
    ),
    Public(
        "Data_Entry_2017_v2020.csv",
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Sex,View Position,"
        "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n"
        "00000001_000.png,Cardiomegaly,0,1,57,M,PA,2682,2749,0.143,0.143\n"
        "00000001_001.png,Cardiomegaly|Emphysema,1,1,58,M,PA,2894,2729,0.143,0.143\n"
        "00000002_000.png,No Finding,0,2,80,M,PA,2500,2048,0.171,0.171\n",
        [
            "images_001/images/00000001_000.png",
            "images_001/images/00000001_001.png",
            "images_002/images/00000002_000.png",
        ],
        {"00000001_000": "no Emphysema", "00000001_001": "Emphysema", "00000002_000": "no Emphysema"},
        finding="emphysema",
        says=("whether Emphysema is there, as Finding Labels says: of the rows it is in 1 and not in 2",),
    ),
    Public(
        "train.csv",  # CheXpert
        "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,"
        "Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices\n"
        "CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,,,,,,,,0.0,,,,1.0\n"
        "CheXpert-v1.0-small/train/patient00002/study2/view1_frontal.jpg,Female,87,Frontal,AP,,,-1.0,1.0,,-1.0,-1.0,,-1.0,,-1.0,,1.0,\n"
        "CheXpert-v1.0-small/train/patient00002/study1/view1_frontal.jpg,Female,83,Frontal,AP,,,,1.0,,,-1.0,,,,,,1.0,\n",
        [
            "train/patient00001/study1/view1_frontal.jpg",
            "train/patient00002/study2/view1_frontal.jpg",
            "train/patient00002/study1/view1_frontal.jpg",
        ],
        {"patient00001/study1": "no Edema", "patient00002/study2": None, "patient00002/study1": "no Edema"},
        finding="Edema",
        says=("in 1 that is not said, and there is no label",),
    ),
    Public(
        "mimic.csv",  # MIMIC-CXR's metadata, split and labels, joined
        "dicom_id,study_id,subject_id,split,ViewPosition,Atelectasis,Cardiomegaly,Edema,No Finding\n"
        "02aa804e-bde0afdd-112c0b34-7bc16630-4e384014,50414267,10000032,train,PA,,,,1.0\n"
        "2a2277a9-b0ded155-c0de8eb9-c124d10e-82c5caab,53189527,10000764,test,AP,1.0,,,\n",
        [
            "files/p10/p10000032/s50414267/02aa804e-bde0afdd-112c0b34-7bc16630-4e384014.jpg",
            "files/p10/p10000764/s53189527/2a2277a9-b0ded155-c0de8eb9-c124d10e-82c5caab.jpg",
        ],
        {"s50414267": "No Finding", "s53189527": "Atelectasis"},
        patients={"s50414267": "10000032"},
    ),
    Public(
        "stage_2_train_labels.csv",  # RSNA pneumonia: a row for each box
        "patientId,x,y,width,height,Target\n"
        "0004cfab-14fd,,,,,0\n00436515-870c,264.0,152.0,213.0,379.0,1\n00436515-870c,562.0,152.0,256.0,453.0,1\n",
        ["stage_2_train_images/0004cfab-14fd.png", "stage_2_train_images/00436515-870c.png"],
        {"0004cfab-14fd": "0", "00436515-870c": "1"},
        patients={"00436515-870c": "00436515-870c"},
        says=("1 row names a file and label that an earlier row names",),
    ),
    Public(
        "stage_2_detailed_class_info.csv",
        "patientId,class\n0004cfab-14fd,No Lung Opacity / Not Normal\n00436515-870c,Lung Opacity\n003d8fa0-6bf1,Normal\n",
        [f"stage_2_train_images/{name}.png" for name in ("0004cfab-14fd", "00436515-870c", "003d8fa0-6bf1")],
        {
            "0004cfab-14fd": "No Lung Opacity / Not Normal",
            "00436515-870c": "Lung Opacity",
            "003d8fa0-6bf1": "Normal",
        },
    ),
    Public(
        "train.csv",  # RSNA mammography
        "site_id,patient_id,image_id,laterality,view,age,cancer,biopsy,invasive,BIRADS,implant,density,machine_id,difficult_negative_case\n"
        "2,10006,462822612,L,CC,61.0,0,0,0,,0,,29,False\n2,10006,1459541791,L,MLO,61.0,1,1,0,,0,,29,False\n"
        "2,10011,220375232,L,CC,55.0,0,0,0,0.0,0,,21,True\n",
        [
            "train_images/10006/462822612.png",
            "train_images/10006/1459541791.png",
            "train_images/10011/220375232.png",
        ],
        {"462822612": "no cancer", "1459541791": "cancer"},
        patients={"462822612": "10006"},
        finding="cancer",
    ),
    Public(
        "train.csv",  # RSNA cervical spine: a row for each study, whose slices are in its folder
        "StudyInstanceUID,patient_overall,C1\n1.2.826.0.1.3680043.6200,1,1\n1.2.826.0.1.3680043.27262,0,0\n",
        [
            "train_images/1.2.826.0.1.3680043.6200/1.png",
            "train_images/1.2.826.0.1.3680043.6200/2.png",
            "train_images/1.2.826.0.1.3680043.27262/1.png",
        ],
        {
            "3680043.6200/1": "patient_overall",
            "3680043.6200/2": "patient_overall",
            "3680043.27262/1": "no patient_overall",
        },
        finding="patient_overall",
        patients={"3680043.6200/1": "1.2.826.0.1.3680043.6200"},
    ),
    Public(
        "train.csv",  # RANZCR CLiP
        "StudyInstanceUID,ETT - Abnormal,ETT - Borderline,ETT - Normal,Swan Ganz Catheter Present,PatientID\n"
        "1.2.826.0.1.26697628,0,0,0,0,ec89415d1\n1.2.826.0.1.46302891,0,0,1,0,bf4c6da3c\n1.2.826.0.1.23819260,0,0,1,1,3fc1c97e5\n",
        [f"train/1.2.826.0.1.{uid}.jpg" for uid in (26697628, 46302891, 23819260)],
        {"26697628": None, "46302891": "ETT - Normal", "23819260": None},
        patients={"26697628": "ec89415d1"},
        says=("multi-label",),
    ),
    Public(
        "train.csv",  # Kaggle, as in a hundred competitions
        "id,label\n0,cat\n1,dog\n2,cat\n",
        ["train/0.jpg", "train/1.jpg", "train/2.jpg"],
        {"0": "cat", "1": "dog", "2": "cat"},
    ),
    Public(
        "messidor_data.csv",
        "image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable\n"
        "20051020_43808_0100_PP.png,0.0,0.0,1\n20051020_43832_0100_PP.png,1.0,0.0,1\n20051020_43882_0100_PP.JPG,1.0,0.0,1\n",
        [
            "IMAGES/20051020_43808_0100_PP.png",
            "IMAGES/20051020_43832_0100_PP.png",
            "IMAGES/20051020_43882_0100_PP.jpg",
        ],
        {"43808_0100_PP": "0", "43832_0100_PP": "1", "43882_0100_PP": "1"},
    ),
    Public(
        "a. IDRiD_Disease Grading_Training Labels.csv",
        "Image name,Retinopathy grade,Risk of macular edema ,,,,,,,,,\nIDRiD_001,3,2,,,,,,,,,\nIDRiD_002,3,2,,,,,,,,,\nIDRiD_003,2,2,,,,,,,,,\n",
        [
            "1. Original Images/a. Training Set/IDRiD_001.jpg",
            "1. Original Images/a. Training Set/IDRiD_002.jpg",
            "1. Original Images/a. Training Set/IDRiD_003.jpg",
        ],
        {"IDRiD_001": "3", "IDRiD_002": "3", "IDRiD_003": "2"},
    ),
    Public(
        "metadata.csv",  # PAD-UFES-20
        "patient_id,lesion_id,smoke,drink,background_father,age,region,diagnostic,itch,grew,hurt,img_id,biopsed\n"
        "PAT_1516,1765,,,,8,ARM,NEV,FALSE,FALSE,FALSE,PAT_1516_1765_530.png,FALSE\n"
        "PAT_46,881,FALSE,FALSE,POMERANIA,55,NECK,BCC,TRUE,TRUE,FALSE,PAT_46_881_939.png,TRUE\n",
        [
            "images/imgs_part_1/imgs_part_1/PAT_1516_1765_530.png",
            "images/imgs_part_2/imgs_part_2/PAT_46_881_939.png",
        ],
        {"PAT_1516_1765_530": "NEV", "PAT_46_881_939": "BCC"},
        patients={"PAT_46_881_939": "PAT_46"},
    ),
    Public(
        "mass_case_description_train_set.csv",  # CBIS-DDSM
        "patient_id,breast_density,left or right breast,image view,abnormality id,abnormality type,mass shape,mass margins,"
        "assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path\n"
        "P_00001,3,LEFT,CC,1,mass,IRREGULAR,SPICULATED,4,MALIGNANT,4,"
        "Mass-Training_P_00001_LEFT_CC/1.3.6.1/1.3.7/000000.dcm,Mass-Training_P_00001_LEFT_CC_1/1.3.8/1.3.9/000001.dcm,"
        '"Mass-Training_P_00001_LEFT_CC_1/1.3.8/1.3.9/000000.dcm\n"\n',
        [
            "CBIS-DDSM/Mass-Training_P_00001_LEFT_CC/1.3.6.1/1.3.7/000000.png",
            "CBIS-DDSM/Mass-Training_P_00001_LEFT_CC_1/1.3.8/1.3.9/000000.png",
        ],
        {"P_00001_LEFT_CC/": "MALIGNANT"},
        patients={"P_00001_LEFT_CC/": "P_00001"},
    ),
    Public(
        "full_df.csv",  # ODIR-5K
        "ID,Patient Age,Patient Sex,Left-Fundus,Right-Fundus,Left-Diagnostic Keywords,Right-Diagnostic Keywords,N,D,G,C,A,H,M,O,"
        "filepath,labels,target,filename\n"
        "0,69,Female,0_left.jpg,0_right.jpg,cataract,normal fundus,0,0,0,1,0,0,0,0,../input/ODIR-5K/Training Images/0_right.jpg,"
        "['N'],\"[1, 0, 0, 0, 0, 0, 0, 0]\",0_right.jpg\n"
        "1,57,Male,1_left.jpg,1_right.jpg,normal fundus,normal fundus,1,0,0,0,0,0,0,0,../input/ODIR-5K/Training Images/1_right.jpg,"
        "['D'],\"[0, 1, 0, 0, 0, 0, 0, 0]\",1_right.jpg\n",
        ["preprocessed_images/0_right.jpg", "preprocessed_images/1_right.jpg"],
        {"0_right": "N", "1_right": "D"},
    ),
    Public(
        "PADCHEST.csv",
        ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,Projection,MethodProjection,Pediatric,Report,Labels\n"
        "0,20536686640136.png,0,20140915,20536686640,839860488694,1925,L,Manual,No,sin hallazgos,['normal']\n"
        "1,135803415504923.png,0,20150914,135803415504,313572750430,1997,PA,Manual,No,derrame,\"['pleural effusion', 'cardiomegaly']\"\n",
        ["0/20536686640136.png", "0/135803415504923.png"],
        {"20536686640136": "normal", "135803415504923": None},
        patients={"20536686640136": "839860488694"},
        says=("multi-label",),
    ),
    Public(
        "metadata.csv",  # ieee8023/covid-chestxray-dataset
        "patientid,offset,sex,age,finding,RT_PCR_positive,survival,view,modality,date,location,folder,filename,doi,url\n"
        '2,0,M,65,Pneumonia/Viral/COVID-19,Y,Y,PA,X-ray,"January 22, 2020","Cho Ray Hospital, Vietnam",images,auntminnie-a.jpg,,https://x/y\n'
        "4,,F,52,Pneumonia,,,PA,X-ray,2020,Taiwan,images,nejmc2001573_f1a.jpeg,,\n"
        "5,,,,No Finding,,,PA,X-ray,2020,Taiwan,images,lancet.jpg,,\n",
        ["images/auntminnie-a.jpg", "images/nejmc2001573_f1a.jpeg", "images/lancet.jpg"],
        {"auntminnie-a": "Pneumonia/Viral/COVID-19", "nejmc2001573_f1a": "Pneumonia", "lancet": "No Finding"},
        patients={"auntminnie-a": "2"},
    ),
    Public(
        "train_COVIDx9A.txt",  # no header, blanks
        "379 nejmoa2001191_f1-PA.jpeg COVID-19 cohen\n380 ryct.2020200034.fig5.jpg normal cohen\n",
        ["train/nejmoa2001191_f1-PA.jpeg", "train/ryct.2020200034.fig5.jpg"],
        {"nejmoa2001191_f1-PA": "COVID-19", "fig5": "normal"},
        columns={"label": "column 3", "patient_id": "column 1"},
        patients={"nejmoa2001191_f1-PA": "379"},
        says=("has no header",),
    ),
    Public(
        "train_labeled_studies.csv",  # MURA: studies, no header
        "MURA-v1.1/train/XR_SHOULDER/patient00001/study1_positive/,1\nMURA-v1.1/train/XR_SHOULDER/patient00002/study1_negative/,0\n",
        [
            "train/XR_SHOULDER/patient00001/study1_positive/image1.png",
            "train/XR_SHOULDER/patient00002/study1_negative/image1.png",
        ],
        {"patient00001": "1", "patient00002": "0"},
    ),
    Public(
        "train.csv",  # VinBigData: a row for each box of each reader
        "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\n"
        + "".join(
            f"img{n},Cardiomegaly,3,R{n % 3},1,1,2,2\nimg{n},Aortic enlargement,0,R10,1,1,2,2\n"
            for n in range(12)
        )
        + "img12,No finding,14,R11,,,,\nimg12,No finding,14,R7,,,,\n",
        [f"train/img{n}.png" for n in range(13)],
        {"img0": None, "img12": "No finding"},
        says=("multi-label: of 14 rows 12 have several findings",),
    ),
]


@pytest.mark.parametrize("public", TABLES, ids=lambda public: public.name)
def test_a_public_table_works_as_it_comes(tmp_path: Path, public: Public) -> None:
    for number, name in enumerate(public.files):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("L", (16, 16), number * 10)
        image.putpixel((number, 3), 255)
        image.save(tmp_path / name)
    (tmp_path / public.name).write_text(public.table, encoding="utf-8")
    answers = Answers(finding=public.finding or None, columns=public.columns)
    index = index_data(tmp_path / public.name, answers=answers, near_duplicates=False)
    said = "\n".join(issue.message for issue in index.issues)
    got = {sample.path.relative_to(tmp_path).as_posix(): sample for sample in index.samples}
    for part_of_path, label in public.labels.items():
        (sample,) = (sample for path, sample in got.items() if part_of_path in path)
        assert (part_of_path, sample.label) == (part_of_path, label), said
    for part_of_path, patient in public.patients.items():
        (sample,) = (sample for path, sample in got.items() if part_of_path in path)
        assert sample.patient_id == patient, said
    for words in public.says:
        assert words in said
    assert not [
        issue
        for issue in index.issues
        if issue.kind in (DataIssueKind.MISSING_FILE, DataIssueKind.AMBIGUOUS_FILE)
    ]


# ------------------------------------------------------------------------------------- labels that nothing names


def labelled_by(tmp_path: Path, header: str, cells: Sequence[str]) -> Path:
    """A table of images with one column beside their paths."""
    rows = []
    for number, cell in enumerate(cells):
        Image.linear_gradient("L").resize((40 + number, 40)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{cell}")
    (tmp_path / "t.csv").write_text("\n".join([f"path,{header}", *rows]))
    return tmp_path / "t.csv"


def asked_of_classes(table: Path, answers: Answers | None = None) -> list[Question]:
    questions = propose(table, answers=answers).questions
    return [each for each in questions if each.issue.kind is DataIssueKind.CLASS_UNCLEAR]


@pytest.mark.parametrize(
    ("header", "cells", "evidence"),
    [
        ("shade", [str(7 * n) for n in range(12)], "shade has 12 different numbers in 12 rows"),
        ("diameter_mm", [f"{n % 8}.5" for n in range(12)], "diameter_mm has 8 different numbers in 12 rows"),
        ("label", [f"{n}.25" for n in range(12)], "label has 12 different numbers in 12 rows"),
        ("report", [f"Text {n}" for n in range(24)], "report has 24 different texts in 24 rows"),
    ],
)
def test_measurements_and_texts_are_no_classes_until_a_person_says_so(
    tmp_path: Path, header: str, cells: list[str], evidence: str
) -> None:
    table = labelled_by(tmp_path, header, cells)
    (question,) = asked_of_classes(table)
    assert question.issue.serious and evidence in question.issue.message
    assert propose(table).classes == ()
    taken, none = (propose(table, answers=choice.answers) for choice in question.choices)
    assert len(taken.classes) == len(set(cells)) and none.classes == ()
    assert not asked_of_classes(table, question.choices[1].answers)


def test_the_one_column_left_is_taken_as_the_label_and_said_with_what_stands_in_it(tmp_path: Path) -> None:
    table = labelled_by(tmp_path, "shade", ["dark", "light", "light"] * 4)
    (question,) = asked_of_classes(table)
    assert (
        "shade was taken as one (shade contains “light” (in 8 rows), “dark” (in 4 rows))"
        in question.issue.message
    )
    assert {each.name: each.images for each in propose(table).classes} == {"dark": 4, "light": 8}
    assert propose(table, answers=question.choices[-1].answers).classes == ()


@pytest.mark.parametrize("header", ["label", "dx", "class"])
def test_a_column_that_is_named_as_a_label_needs_no_question(tmp_path: Path, header: str) -> None:
    assert not asked_of_classes(labelled_by(tmp_path, header, ["0", "1", "2"] * 4))


LONG = [
    ("ID,Label\n", "{image}_{finding},{answer}\n"),  # RSNA's haemorrhages
    ("image,finding,value\n", "{image}.png,{finding},{answer}\n"),
    ("patient,image_id,disease,present\n", "p7,{image},{finding},{answer}\n"),
]


@pytest.mark.parametrize(("header", "row"), LONG)
def test_a_row_for_each_finding_of_an_image_is_read_as_one_for_each_image(
    tmp_path: Path, header: str, row: str
) -> None:
    table = header
    for number in range(6):
        Image.linear_gradient("L").resize((40 + number, 40)).save(tmp_path / f"ID_{number:03}.png")
        for place, finding in enumerate(("subdural", "epidural", "any")):
            table += row.format(image=f"ID_{number:03}", finding=finding, answer=int(number % 3 > place % 2))
    (tmp_path / "t.csv").write_text(table)
    proposal = propose(tmp_path / "t.csv")
    assert proposal.images == 6 and set(proposal.findings) == {"subdural", "epidural", "any"}
    assert any(
        "18 rows were read as 6 images, each with 3 findings" in one.message for one in proposal.left_out
    )
    (several,) = [one for one in proposal.questions if one.issue.kind is DataIssueKind.SEVERAL_FINDINGS]
    assert "multi-label" in several.issue.message
    index = index_data(tmp_path / "t.csv", answers=Answers(finding="any"))
    assert {sample.path.stem: sample.label for sample in index.samples} == {
        f"ID_{number:03}": "any" if number % 3 > 0 else "no any" for number in range(6)
    }


def test_two_images_of_a_patient_with_a_flag_are_no_long_table(tmp_path: Path) -> None:
    table = "path,abnormal\n"
    for number in range(6):
        for side in ("left", "right"):
            Image.linear_gradient("L").resize((40 + number, 40)).save(tmp_path / f"{number}_{side}.png")
            table += f"{number}_{side}.png,{number % 2}\n"
    (tmp_path / "t.csv").write_text(table)
    proposal = propose(tmp_path / "t.csv")
    assert proposal.images == 12 and {each.name: each.images for each in proposal.classes} == {"0": 6, "1": 6}


# ------------------------------------------------------------------------------------------- what says no label


@pytest.mark.parametrize("code", ["-9", "-99", "999"])
def test_a_code_that_stands_for_a_lacking_value_is_asked_about(code: str, tmp_path: Path) -> None:
    (asked,) = asked_of_classes(labelled_by(tmp_path, "label", ["0", "1", code] * 3))
    assert f"“{code}” (3 images) may say that there is no label" in asked.issue.message


def test_unlabelled_is_no_class_and_unknown_is_asked_about(tmp_path: Path) -> None:
    table = labelled_by(tmp_path, "label", ["cat", "dog", "unlabelled", "unknown"] * 3)
    proposal = propose(table)
    assert {each.name: each.images for each in proposal.classes} == {"cat": 3, "dog": 3, "unknown": 3}
    assert proposal.unlabelled == 3
    taken, asked = asked_of_classes(table)
    assert (
        "“unlabelled” (3 images) says that there is no label, and was taken as no label"
        in taken.issue.message
    )
    assert (
        "“unknown” (3 images) may say that there is no label, and was taken as a class" in asked.issue.message
    )
    assert propose(table, answers=asked.choices[0].answers).unlabelled == 6
    assert propose(table, answers=taken.choices[1].answers).unlabelled == 0
    said = answers_from_options(same=[asked.choices[0].option.removeprefix("--same ")])
    assert said == asked.choices[0].answers


# ------------------------------------------------------------------------------------- rows that name a file again


def test_a_row_that_puts_an_image_into_test_is_not_lost_behind_one_that_trains_on_it(tmp_path: Path) -> None:
    table = labelled_by(tmp_path, "label,split", ["x,train", "y,train", "x,test", "y,test"])
    table.write_text(table.read_text() + "\n0.png,x,test")
    index = index_data(table)
    assert {sample.path.name: sample.part for sample in index.samples}["0.png"] == "test"
    (said,) = [issue for issue in index.issues if issue.kind is DataIssueKind.DUPLICATE_ROW]
    assert said.serious and "with another patient or part" in said.message
    (kept,) = [issue for issue in index.issues if issue.kind is DataIssueKind.EXACT_DUPLICATE]
    assert kept.message.startswith("2 rows name 0.png, which is kept once in test")


def test_a_row_that_names_another_patient_is_said(tmp_path: Path) -> None:
    table = labelled_by(tmp_path, "label,patient_id", ["x,p1", "y,p2", "x,p3", "y,p4"])
    table.write_text(table.read_text() + "\n0.png,x,p9")
    messages = [issue.message for issue in index_data(table).issues if issue.serious]
    assert any("filed under different patients" in message for message in messages)


# -------------------------------------------------------------------------------------------- addresses and folds


def test_addresses_on_the_web_are_found_by_their_names_or_told_as_what_they_are(tmp_path: Path) -> None:
    rows = [f"https://pacs.example/wado/{n}.png?width=300&v=2#top,{'xy'[n % 2]}" for n in range(4)]
    (tmp_path / "t.csv").write_text("\n".join(["image_url,label", *rows]))
    with pytest.raises(DataError, match="downloads nothing: download the images"):
        propose(tmp_path / "t.csv")
    for number in range(4):
        Image.linear_gradient("L").resize((40 + number, 40)).save(tmp_path / f"{number}.png")
    assert propose(tmp_path / "t.csv").images == 4


def test_numbered_folds_of_a_table_are_folds(tmp_path: Path) -> None:
    table = labelled_by(tmp_path, "label,fold", [f"{'xy'[n % 2]},{n // 3}" for n in range(12)])
    proposal = propose(table)
    (question,) = [one for one in proposal.questions if one.issue.kind is DataIssueKind.PART_UNCLEAR]
    assert "counts folds (“0”, “1”, “2” and “3”)" in question.issue.message and proposal.no_part == 12
    assert propose(table, answers=question.choices[0].answers).parts == {"train": 9, "test": 3}
    assert not propose(table, answers=question.choices[1].answers).questions


def test_a_table_that_names_images_in_two_columns_says_which_it_reads(tmp_path: Path) -> None:
    rows = []
    for number in range(6):
        for side in ("left", "right"):
            Image.linear_gradient("L").resize((40 + number, 40)).save(tmp_path / f"{number}_{side}.png")
        rows.append(f"{number},{number}_left.png,{number}_right.png,{'xy'[number % 2]}")
    (tmp_path / "t.csv").write_text("\n".join(["ID,Left-Fundus,Right-Fundus,label", *rows]))
    proposal = propose(tmp_path / "t.csv")
    assert proposal.columns["path"] == "Left-Fundus"
    assert any(
        "those in Left-Fundus were read, and not those in Right-Fundus" in one.message
        for one in proposal.left_out
    )


def test_rows_that_name_an_image_again_are_counted_as_rows_that_name_one(tmp_path: Path) -> None:
    table = labelled_by(tmp_path, "label", ["x", "y"] * 3)
    table.write_text(table.read_text() + "\n0.png,x\n1.png,y")
    (offer,) = propose(tmp_path).tables
    assert (offer.rows, offer.matched) == (8, 8)


@pytest.mark.parametrize(
    ("table", "classes", "part"),
    [
        (
            "نام فایل,تشخیص,شناسهٔ بیمار,بخش\na.png,طبیعی,۱۲,آموزش\nb.png,ذات‌الریه,۱۳,آزمون\n",
            ("طبیعی", "ذات‌الریه"),
            "test",
        ),
        ("שם הקובץ,אבחנה,מטופל,חלק\na.png,תקין,12,אימון\nb.png,דלקת,13,מבחן\n", ("תקין", "דלקת"), "test"),
    ],
)
def test_a_table_in_persian_or_hebrew_is_read_as_one_in_english_is(
    tmp_path: Path, table: str, classes: tuple[str, ...], part: str
) -> None:
    (tmp_path / "cases.csv").write_text(table, encoding="utf-8")
    for shade, name in enumerate(("a.png", "b.png")):
        Image.new("L", (32, 32), shade * 90).save(tmp_path / name)
    found = index_data(tmp_path / "cases.csv")
    assert found.classes == classes
    by_name = {one.path.name: one for one in found.samples}
    assert by_name["b.png"].label == classes[1] and by_name["b.png"].part == part
    assert all(one.patient_id for one in found.samples)
